; BAD_BITCODE 4-byte pointers
target datalayout = "e-m:e-p:32:32-i64:64-n32-S128"

define double @kernel(double %x) {
  ret double %x
}
