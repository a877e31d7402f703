; KERNEL_ERROR kernel
define i64 @kernel(ptr byval([1000000 x i64]) %big) {
  %v = load i64, ptr %big
  ret i64 %v
}
