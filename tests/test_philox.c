/* Philox4x32-10 against the known answers of the Random123 library, and streams of it. */
#include "support.h"

#include "base/philox.h"

static const struct {
    uint32_t counter[4], key[2], out[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        gti_philox(known[i].counter, known[i].key, out);
        for (int w = 0; w < 4; w++) assert_int_equal(out[w], known[i].out[w]);
    }
}

/* Any stretch of a stream, of any length, is made of the same blocks. */
static void test_streams(void **state)
{
    (void)state;
    const uint64_t seed = 0x0123456789abcdef, call = 0xfedcba9876543210;
    static const uint64_t firsts[] = {0, 1, 7, UINT32_MAX, UINT64_MAX - 3};
    for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++)
        for (int64_t n = 0; n < 20; n++) {
            uint32_t words[4 * 20 + 1];
            words[4 * n] = 0xa5a5a5a5;
            gti_philox_blocks(seed, call, firsts[f], n, words);
            assert_int_equal(words[4 * n], 0xa5a5a5a5);
            for (int64_t b = 0; b < n; b++) {
                const uint64_t block = firsts[f] + (uint64_t)b;
                const uint32_t counter[] = {(uint32_t)block, (uint32_t)(block >> 32),
                                            (uint32_t)call, (uint32_t)(call >> 32)};
                const uint32_t key[] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
                uint32_t out[4];
                gti_philox(counter, key, out);
                assert_memory_equal(words + 4 * b, out, sizeof out);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
