; KERNEL_FAULT address 0x8
define i64 @kernel(i64 %x) {
  %p = inttoptr i64 8 to ptr
  %v = load volatile i64, ptr %p
  ret i64 %v
}
