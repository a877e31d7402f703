; KERNEL_TIMEOUT time limit
@flag = internal global i64 0

define i64 @kernel(i64 %x) {
  br label %loop
loop:
  %v = load volatile i64, ptr @flag
  br label %loop
}
