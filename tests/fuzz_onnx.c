/* A target for libFuzzer: what is given is read as an ONNX model and, with its tensors, again as
 * one TensorProto. By hand, with clang:
 *
 *   cmake -B build/fuzz -DCMAKE_C_COMPILER=clang -DGRADTAPE_FUZZ=ON && cmake --build build/fuzz
 * --target fuzz_onnx build/fuzz/tests/fuzz_onnx -max_len=4096 CORPUS tests/files/onnx */
#include <gradtape.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tensors(gt_ctx *gt, const gti_onnx_model *m)
{
    for (int i = 0; i < m->n_tensors; i++) {
        const char *why = NULL;
        if (m->tensor[i].external) continue; /* no files are opened */
        gti_tensor_read(gt, &m->tensor[i], "", &why);
        gt_error_clear(gt);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gt_ctx *gt = gt_open();
    gt_set_error_handler(gt, gt_ignore_error, NULL);
    uint8_t *bytes = malloc(size + 1);
    if (bytes && size) memcpy(bytes, data, size);
    gti_onnx_model *m = bytes ? gti_model_parse(gt, "fuzz", bytes, size) : NULL;
    if (m) read_tensors(gt, m);
    gti_model_free(m);
    gt_error_clear(gt);
    gti_onnx_tensor t;
    const char *why = NULL;
    if (gti_tensor_parse((gti_bytes){data, size}, &t, &why) && !t.external)
        gti_tensor_read(gt, &t, "", &why);
    gt_close(gt);
    return 0;
}
