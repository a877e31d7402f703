; BAD_BITCODE big-endian
target datalayout = "E-m:e-i64:64-n32:64"

define double @kernel(double %x) {
  ret double %x
}
