; BAD_BITCODE environ is data outside
@environ = external global ptr

define i64 @kernel(i64 %x) {
  %p = load ptr, ptr @environ
  %v = ptrtoint ptr %p to i64
  ret i64 %v
}
