; BAD_BITCODE
; The same, where only the compiler can notice.
define i64 @kernel(i64 %x) {
  %p = alloca [16 x i64]
  %v = load volatile <vscale x 2 x i64>, ptr %p
  %r = extractelement <vscale x 2 x i64> %v, i64 %x
  ret i64 %r
}
