; BAD_BITCODE scalable
; Vectors of no fixed length, which this family of CPUs does not have.
@data = internal global <vscale x 2 x i64> zeroinitializer

define i64 @kernel(i64 %x) {
  %v = load volatile <vscale x 2 x i64>, ptr @data
  %w = add <vscale x 2 x i64> %v, %v
  %r = extractelement <vscale x 2 x i64> %w, i64 0
  ret i64 %r
}
