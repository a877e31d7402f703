; OK
declare i32 @__gxx_personality_v0(...)

define double @kernel(double %x) personality ptr @__gxx_personality_v0 {
  ret double %x
}
