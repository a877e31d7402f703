; BAD_BITCODE machine code of its own
define double @kernel(double %x) prologue i8 -52 {
  ret double %x
}
