; KERNEL_ERROR no function
@x = global i32 0
