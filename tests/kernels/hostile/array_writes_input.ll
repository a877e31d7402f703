; KERNEL_FAULT SIGSEGV
; kind array void(int64[:], int64[:])
; on files
; An array kernel that writes into its input, which is mapped read-only.
%fh_array = type { ptr, i32, i32, [32 x i64], [32 x i64], [32 x i64], [32 x i64], [32 x [2 x i64]] }

define void @kernel(ptr %args, i32 %n) {
  %data = load ptr, ptr %args
  store volatile i64 1, ptr %data
  ret void
}
