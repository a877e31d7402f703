/* engine/runner/code/llvm_compat.h - everything in which LLVM 19 to 22 differ for us; no other file asks for LLVM's
 * version.
 *
 * Most of the moving parts of ORC's C interface (thread-safe contexts and modules) are not used at all: kernels are
 * made into object files by a target machine and only those are given to ORC. */
#ifndef FH_ENGINE_RUNNER_CODE_LLVM_COMPAT_H
#define FH_ENGINE_RUNNER_CODE_LLVM_COMPAT_H

#include <llvm/Config/llvm-config.h>

#include <llvm-c/BitReader.h>
#include <llvm-c/Core.h>
#include <llvm-c/IRReader.h>

#if LLVM_VERSION_MAJOR < 19 || LLVM_VERSION_MAJOR > 22
#error "farhand-runner builds against LLVM 19, 20, 21 and 22"
#endif

/* Parse textual IR; the buffer stays ours.  Before LLVM 22 the parser consumed it. */
static inline LLVMBool
compat_parse_ir(LLVMContextRef context, LLVMMemoryBufferRef buffer, LLVMModuleRef *ret, char **message)
{
#if LLVM_VERSION_MAJOR >= 22
    return LLVMParseIRInContext2(context, buffer, ret, message);
#else
    LLVMMemoryBufferRef copy =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), "kernel");
    return LLVMParseIRInContext(context, copy, ret, message);
#endif
}

#endif
