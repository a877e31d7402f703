; BAD_BITCODE cannot read
define double @kernel(double %x) {
  ret float %x
}
