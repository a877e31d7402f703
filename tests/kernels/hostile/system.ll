; BAD_BITCODE system is outside the module
@command = private constant [3 x i8] c"id\00"
declare i32 @system(ptr)

define i32 @kernel(i32 %x) {
  %r = call i32 @system(ptr @command)
  ret i32 %r
}
