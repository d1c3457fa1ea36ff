/* Where a Cortex-M4 begins: its stack, and a first function that turns the floating-point unit on
 * and goes on as newlib does. qemu loads what has to be in memory. */
void _start(void);
extern char __stack;

static void reset(void)
{
    *(volatile unsigned *)0xe000ed88 |= 0xfu << 20;
    _start();
}

static const struct {
    void *stack;
    void (*reset)(void);
} vectors __attribute__((section(".vectors"), used)) = {&__stack, reset};
