; OK
; kind array void(int64[:], int64[:])
; An array kernel that writes over the descriptions it was given: they are its own copy, and nothing of ours follows them.
%fh_array = type { ptr, i32, i32, [32 x i64], [32 x i64], [32 x i64], [32 x i64], [32 x [2 x i64]] }

define void @kernel(ptr %args, i32 %n) {
  %second = getelementptr %fh_array, ptr %args, i64 1
  store ptr inttoptr (i64 4096 to ptr), ptr %second
  %shape = getelementptr %fh_array, ptr %second, i64 0, i32 3
  store i64 -1, ptr %shape
  %ndim = getelementptr %fh_array, ptr %second, i64 0, i32 2
  store i32 2147483647, ptr %ndim
  ret void
}
