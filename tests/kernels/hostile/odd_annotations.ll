; OK
; Lists of annotations of every odd shape beside a good kernel.
@text = private constant [22 x i8] c"farhand: int64(int64)\00"
@mute = private constant [8 x i8] c"farhand:"
@numbers = private constant [4 x i16] [i16 1, i16 2, i16 3, i16 4]
@list = global i64 0
@llvm.global.annotations = appending global [7 x { ptr, ptr, ptr, i32, ptr }] [
  { ptr, ptr, ptr, i32, ptr } { ptr null, ptr null, ptr null, i32 0, ptr null },
  { ptr, ptr, ptr, i32, ptr } { ptr @kernel, ptr @numbers, ptr null, i32 0, ptr null },
  { ptr, ptr, ptr, i32, ptr } { ptr @list, ptr @text, ptr null, i32 0, ptr null },
  { ptr, ptr, ptr, i32, ptr } { ptr @text, ptr @kernel, ptr @kernel, i32 -1, ptr @kernel },
  { ptr, ptr, ptr, i32, ptr } { ptr undef, ptr undef, ptr undef, i32 undef, ptr undef },
  { ptr, ptr, ptr, i32, ptr } { ptr inttoptr (i64 8 to ptr), ptr inttoptr (i64 8 to ptr), ptr null, i32 0, ptr null },
  { ptr, ptr, ptr, i32, ptr } { ptr @kernel, ptr @text, ptr null, i32 0, ptr null }
], section "llvm.metadata"

define i64 @kernel(i64 %x) {
  ret i64 %x
}
