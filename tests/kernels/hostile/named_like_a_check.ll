; OK
; Functions of a module may be called whatever they like.
define internal void @farhand.check.write(ptr %p) {
  ret void
}

define internal i64 @user.kernel(i64 %x) {
  call void @farhand.check.write(ptr null)
  ret i64 %x
}

define i64 @kernel(i64 %x) {
  %y = call i64 @user.kernel(i64 %x)
  ret i64 %y
}
