; BAD_BITCODE outside the module
declare i32 @__gcc_personality_v0(...)
declare void @__cxa_throw(ptr, ptr, ptr)

define double @kernel(double %x) personality ptr @__gcc_personality_v0 {
  invoke void @__cxa_throw(ptr null, ptr null, ptr null) to label %good unwind label %bad
good:
  ret double %x
bad:
  %e = landingpad { ptr, i32 } cleanup
  ret double 0.0
}
