#!/bin/sh
# Runs exported C files on machines of other kinds: cfile_cross.sh TEST_CFILE CROSS_FOLDER, the test that
# writes the programs, and the folder with what a Cortex-M4 needs to begin. Ends with 77 where no compiler is
# there; on Debian: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm qemu-user
# gcc-s390x-linux-gnu libc6-dev-s390x-cross
set -eu
writer=$1 cross=$2 ran=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$writer" "$folder" >/dev/null
cd "$folder"
networks=$(ls ./*.c | grep -v -e main_ -e operations -e big -e little)
flags="-std=c99 -Wall -Wextra -pedantic -Wconversion -Werror"

has() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null && continue
        echo "skipped: there is no $tool"
        return 1
    done
}

# A 32-bit microcontroller with an FPU for single precision and newlib. Its C library rounds functions such as
# expf otherwise than glibc does, by some units in the last place.
if has arm-none-eabi-gcc qemu-system-arm; then
    for what in operations networks; do
        sources=operations.c level=-O0
        [ $what = operations ] || sources=$networks level=-Os
        # shellcheck disable=SC2086
        arm-none-eabi-gcc $flags -DTOLERANCE=4e-6f $level -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 \
            --specs=rdimon.specs -T "$cross/cortex.ld" "$cross/cortex.c" $sources main_$what.c -lm -o $what.elf
        echo "Cortex-M4, $what:"
        timeout 60 qemu-system-arm -M mps2-an386 -nographic -semihosting -kernel $what.elf </dev/null | tee said
        grep -q '^all agree' said
    done
    ran=1
fi

# Big-endian: of the two weights files the other one is taken.
if has s390x-linux-gnu-gcc qemu-s390x; then
    for what in operations networks big little; do
        sources=$what.c
        [ $what != networks ] || sources=$networks
        # shellcheck disable=SC2086
        s390x-linux-gnu-gcc $flags -O0 -static -ffp-contract=off $sources main_$what.c -lm -o $what
        echo "s390x, $what:"
        qemu-s390x ./$what
    done
    ran=1
fi
[ $ran = 1 ] || exit 77
