; BAD_BITCODE open is outside the module
@path = private constant [12 x i8] c"/etc/passwd\00"
declare i32 @open(ptr, i32, ...)

define i32 @kernel(i32 %x) {
  %fd = call i32 (ptr, i32, ...) @open(ptr @path, i32 %x)
  ret i32 %fd
}
