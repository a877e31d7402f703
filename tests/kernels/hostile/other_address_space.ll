; BAD_BITCODE address space
; A pointer relative to the thread's own segment.
define i64 @kernel(i64 %x) {
  %p = inttoptr i64 -140737488355328 to ptr addrspace(257)
  %v = load volatile i64, ptr addrspace(257) %p
  ret i64 %v
}
