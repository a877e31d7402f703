; BAD_BITCODE redefines
define internal double @exp(double %x) {
  ret double 1.0
}

define double @kernel(double %x) {
  %v = call double @exp(double %x)
  ret double %v
}
