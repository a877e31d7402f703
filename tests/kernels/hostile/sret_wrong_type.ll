; KERNEL_ERROR kernel
; A result through a pointer to something that is no number.
define void @kernel(ptr sret([3 x i64]) %r, i64 %x) {
  store i64 %x, ptr %r
  ret void
}
