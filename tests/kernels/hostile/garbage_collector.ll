; BAD_BITCODE garbage collector
define double @kernel(double %x) gc "shadow-stack" {
  ret double %x
}
