#!/bin/sh
# tools/get-data, with a folder for a server: what stands in for curl and wget copies from it. The
# copy of the tool that is run has the checksums of the files here.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
export SERVER="$place/server" LOG="$place/log" GRADTAPE_MIRROR=http://here/
mkdir -p bin none tools server/mnist server/cifar10 cifar-10-batches-bin
: >"$LOG"

cat >bin/curl <<'END'
#!/bin/sh
while [ $# -gt 1 ]; do
    case $1 in -o | -O) out=$2 ;; esac
    shift
done
echo "${0##*/} $1" >>"$LOG"
case $1 in http://here/*) cp "$SERVER/${1#http://here/}" "$out" 2>/dev/null ;; *) exit 6 ;; esac
END
chmod +x bin/curl
for tool in cat cp cut dirname gzip mkdir mv rm rmdir sed sh sha256sum shasum tar; do
    if path=$(command -v "$tool"); then ln -s "$path" "none/$tool"; fi
done
mkdir wget
cp -R none/. wget/
cp bin/curl wget/wget

files="train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz
t10k-labels-idx1-ubyte.gz"
for file in $files; do echo "$file" >"server/mnist/$file"; done
echo batch >cifar-10-batches-bin/data_batch_1.bin
tar -czf server/cifar10/cifar-10-binary.tar.gz cifar-10-batches-bin
cp "$root/tools/get-data" tools/get-data
for path in server/*/*; do
    sum=$({ sha256sum "$path" 2>/dev/null || shasum -a 256 "$path"; } | cut -d ' ' -f 1)
    sed "/get ${path##*/} /{N;s/[0-9a-f]\{64\}/$sum/;}" tools/get-data >new
    cat new >tools/get-data
done

fail() { printf 'FAILED: %s\n' "$*" >&2; cat out >&2; exit 1; }
# run STATUS PATH ARGUMENT...: its output is in out, the downloads in log.
run() {
    want=$1
    path=$2
    shift 2
    : >"$LOG"
    status=0
    PATH=$path tools/get-data "$@" >out 2>&1 || status=$?
    [ "$status" = "$want" ] || fail "get-data $*: $status instead of $want"
}
says() { grep -q -e "$1" out || fail "'$1' is not in the output"; }
downloads() { [ "$(wc -l <"$LOG")" -eq "$1" ] || fail "not $1 downloads"; }
with_curl="$place/bin:$PATH"

run 0 "$with_curl" mnist
downloads 4
for file in $files; do cmp "server/mnist/$file" "data/mnist/$file" || fail "$file"; done
[ "$(ls -A data/mnist | wc -l)" -eq 4 ] || fail "not 4 files"
says "Ready: $place/data/mnist"

run 0 "$with_curl" mnist # a second time nothing is left to do
downloads 0
says "train-images-idx3-ubyte.gz: there already"

echo more >>data/mnist/t10k-images-idx3-ubyte.gz # what is there is not replaced
run 1 "$with_curl" mnist
downloads 0
says "t10k-images-idx3-ubyte.gz is there, but its checksum is wrong; delete it"
rm data/mnist/t10k-images-idx3-ubyte.gz
echo half >data/mnist/t10k-images-idx3-ubyte.gz.part # of a run that was ended
run 0 "$with_curl" mnist
downloads 1
cmp server/mnist/t10k-images-idx3-ubyte.gz data/mnist/t10k-images-idx3-ubyte.gz || fail "half"

echo other >server/mnist/train-images-idx3-ubyte.gz # a mirror with another file, others away
run 1 "$with_curl" mnist other
downloads 3
says "its checksum is wrong"
says "train-images-idx3-ubyte.gz could not be downloaded. Without a network"
[ -z "$(ls other)" ] || fail "something is left behind"

run 0 "$place/wget" cifar10
says "Ready"
grep -q '^wget http://here/cifar10/cifar-10-binary.tar.gz' "$LOG" || fail "wget was not asked"
cmp cifar-10-batches-bin/data_batch_1.bin data/cifar10/cifar-10-batches-bin/data_batch_1.bin ||
    fail "not unpacked"
[ "$(ls -A data/cifar10 | wc -l)" -eq 2 ] || fail "not an archive and a folder"
echo mine >data/cifar10/cifar-10-batches-bin/data_batch_1.bin
run 0 "$place/none" cifar10 # neither download nor unpack again
grep -q mine data/cifar10/cifar-10-batches-bin/data_batch_1.bin || fail "unpacked again"

run 1 "$place/none" mnist elsewhere
says "Neither curl nor wget is here"
run 0 "$with_curl" --help
says "GRADTAPE_MIRROR"
run 2 "$with_curl"
run 2 "$with_curl" mnist one two
run 2 "$with_curl" emnist
echo "all is well"
