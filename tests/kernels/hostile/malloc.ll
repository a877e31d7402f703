; BAD_BITCODE malloc is outside the module
declare ptr @malloc(i64)

define double @kernel(double %x) {
  %p = call ptr @malloc(i64 1099511627776)
  store double %x, ptr %p
  %v = load volatile double, ptr %p
  ret double %v
}
