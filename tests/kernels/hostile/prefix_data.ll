; BAD_BITCODE machine code of its own
define double @kernel(double %x) prefix i64 -3819410105351357762 {
  ret double %x
}
