; OK
declare ptr @PyErr_Occurred()

define ptr @wrapper(ptr %x) {
  %p = call ptr @PyErr_Occurred()
  ret ptr %p
}

define i64 @kernel(i64 %x) {
  %v = add i64 %x, 1
  ret i64 %v
}
