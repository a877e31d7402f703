; KERNEL_FAULT stack overflow
define internal i64 @down(i64 %x) {
  %room = alloca [4096 x i8]
  store volatile i8 1, ptr %room
  %y = add i64 %x, 1
  %v = call i64 @deeper(i64 %y)
  %b = load volatile i8, ptr %room
  %w = sext i8 %b to i64
  %s = add i64 %v, %w
  ret i64 %s
}

define internal i64 @deeper(i64 %x) {
  %room = alloca [4096 x i8]
  store volatile i8 1, ptr %room
  %v = call i64 @down(i64 %x)
  %b = load volatile i8, ptr %room
  %w = sext i8 %b to i64
  %s = add i64 %v, %w
  ret i64 %s
}

define i64 @kernel(i64 %x) {
  %v = call i64 @down(i64 %x)
  ret i64 %v
}
