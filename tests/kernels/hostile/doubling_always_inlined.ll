; OK
define internal i64 @f0(i64 %x) alwaysinline {
  %y = mul i64 %x, 3
  %z = xor i64 %y, 11
  ret i64 %z
}

define internal i64 @f1(i64 %x) alwaysinline {
  %a = call i64 @f0(i64 %x)
  %b = call i64 @f0(i64 %a)
  ret i64 %b
}

define internal i64 @f2(i64 %x) alwaysinline {
  %a = call i64 @f1(i64 %x)
  %b = call i64 @f1(i64 %a)
  ret i64 %b
}

define internal i64 @f3(i64 %x) alwaysinline {
  %a = call i64 @f2(i64 %x)
  %b = call i64 @f2(i64 %a)
  ret i64 %b
}

define internal i64 @f4(i64 %x) alwaysinline {
  %a = call i64 @f3(i64 %x)
  %b = call i64 @f3(i64 %a)
  ret i64 %b
}

define internal i64 @f5(i64 %x) alwaysinline {
  %a = call i64 @f4(i64 %x)
  %b = call i64 @f4(i64 %a)
  ret i64 %b
}

define internal i64 @f6(i64 %x) alwaysinline {
  %a = call i64 @f5(i64 %x)
  %b = call i64 @f5(i64 %a)
  ret i64 %b
}

define internal i64 @f7(i64 %x) alwaysinline {
  %a = call i64 @f6(i64 %x)
  %b = call i64 @f6(i64 %a)
  ret i64 %b
}

define internal i64 @f8(i64 %x) alwaysinline {
  %a = call i64 @f7(i64 %x)
  %b = call i64 @f7(i64 %a)
  ret i64 %b
}

define internal i64 @f9(i64 %x) alwaysinline {
  %a = call i64 @f8(i64 %x)
  %b = call i64 @f8(i64 %a)
  ret i64 %b
}

define internal i64 @f10(i64 %x) alwaysinline {
  %a = call i64 @f9(i64 %x)
  %b = call i64 @f9(i64 %a)
  ret i64 %b
}

define internal i64 @f11(i64 %x) alwaysinline {
  %a = call i64 @f10(i64 %x)
  %b = call i64 @f10(i64 %a)
  ret i64 %b
}

define internal i64 @f12(i64 %x) alwaysinline {
  %a = call i64 @f11(i64 %x)
  %b = call i64 @f11(i64 %a)
  ret i64 %b
}

define internal i64 @f13(i64 %x) alwaysinline {
  %a = call i64 @f12(i64 %x)
  %b = call i64 @f12(i64 %a)
  ret i64 %b
}

define internal i64 @f14(i64 %x) alwaysinline {
  %a = call i64 @f13(i64 %x)
  %b = call i64 @f13(i64 %a)
  ret i64 %b
}

define internal i64 @f15(i64 %x) alwaysinline {
  %a = call i64 @f14(i64 %x)
  %b = call i64 @f14(i64 %a)
  ret i64 %b
}

define internal i64 @f16(i64 %x) alwaysinline {
  %a = call i64 @f15(i64 %x)
  %b = call i64 @f15(i64 %a)
  ret i64 %b
}

define i64 @kernel(i64 %x) {
  %v = call i64 @f16(i64 %x)
  ret i64 %v
}
