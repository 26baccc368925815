#!/usr/bin/env bash
# Compares HeteroQwen with llama.cpp on one GGUF file: both engines take turns, test by test and round by round, so that a better or
# worse minute of the machine meets both. Prints medians, and the median of the paired ratios with its quartiles.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'END'
usage: perf/compare-llama.sh LLAMA_BENCH MODEL.gguf [-p N,..] [-n N,..] [-d DEPTH,..] [-t THREADS] [-r ROUNDS] [-- OPTION..]

  LLAMA_BENCH   the llama-bench binary of llama.cpp
  -p            tokens of a prompt (512); 0 leaves the test out
  -n            tokens to generate (128); 0 leaves the test out
  -d            KV entries before the first token (0)
  -t            threads of both (all processors)
  -r            rounds, of one repetition of each engine (5)
  -- OPTION..   options of `heteroqwen bench`, such as --tier avx2 or --precision exact

At a depth above 0 llama-bench runs with flash attention on and off, and the faster counts. The tool is the one that HETEROQWEN
names, else the one published or built in this repository (dotnet build -c Release src/HeteroQwen.Cli).
END
}

refuse() {
    echo "compare-llama: $1" >&2
    exit 2
}

# The value of an option must be whole numbers with commas between them.
numbers() {
    [[ $2 =~ ^[0-9]{1,9}(,[0-9]{1,9})*$ ]] || refuse "$1 '$2': these are no whole numbers; write for example $1 512 or $1 128,512"
}

for argument in "$@"; do
    [[ $argument == -- ]] && break
    [[ $argument == -h || $argument == --help ]] && { usage; exit 0; }
done
if [[ $# -lt 2 ]]; then
    usage >&2
    exit 2
fi

llama=$1 model=$2
shift 2
prompts=512 generated=128 depths=0 threads=$(getconf _NPROCESSORS_ONLN) rounds=5
while [[ $# -gt 0 && $1 != -- ]]; do
    [[ $# -ge 2 ]] || refuse "$1: the value is missing; --help shows how it is written"
    case $1 in
        -p) prompts=$2 ;;
        -n) generated=$2 ;;
        -d) depths=$2 ;;
        -t) threads=$2 ;;
        -r) rounds=$2 ;;
        *) refuse "'$1': there is no such option; --help lists them, and those of heteroqwen come after --" ;;
    esac
    numbers "$1" "$2"
    shift 2
done
[[ $# -gt 0 ]] && shift
[[ $threads =~ ^[1-9][0-9]*$ ]] || refuse "-t $threads: give one number of threads, 1 or more"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || refuse "-r $rounds: give one number of rounds, 1 or more"

command -v awk >/dev/null || refuse "there is no awk on this machine; install one"
[[ -x $(command -v "$llama" || true) ]] || refuse "$llama: there is no such program; build llama-bench of llama.cpp and give its path"
[[ -r $model && ! -d $model ]] || refuse "$model: there is no such file; give a GGUF file"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=${HETEROQWEN:-}
for built in publish bin; do
    [[ -z $tool && -x $root/artifacts/$built/HeteroQwen.Cli/release/heteroqwen ]] && tool=$root/artifacts/$built/HeteroQwen.Cli/release/heteroqwen
done
[[ -n $tool ]] || refuse "heteroqwen is not built; run dotnet build -c Release src/HeteroQwen.Cli, or name it in HETEROQWEN"
[[ -x $(command -v "$tool" || true) ]] || refuse "$tool: there is no such program; HETEROQWEN must name the heteroqwen tool"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# Runs an engine once and notes its rate: run TEST ENGINE OPTIONS COMMAND..
run() {
    local test=$1 engine=$2 options=$3 rate
    shift 3
    if ! "$@" >"$results/out" 2>"$results/error" </dev/null; then
        tail -n 5 "$results/error" >&2
        echo "compare-llama: this failed: $*" >&2
        exit 1
    fi
    rate=$(sed -n 's/.*"avg_ts": *\([0-9.eE+-]*\).*/\1/p' "$results/out")
    if ! awk -v rate="$rate" 'BEGIN { exit !(rate + 0 > 0) }'; then
        echo "compare-llama: this printed no rate (avg_ts): $*" >&2
        exit 1
    fi
    printf '%s\t%s\t%s\t%s\n' "$test" "$engine" "$options" "$rate" >>"$results/rates"
    [[ ! -t 2 ]] || printf '\r\033[Kround %s of %s: %s, %s %s: %s t/s' "$round" "$rounds" "$test" "$engine" "$options" "$rate" >&2
}

# Older versions of llama-bench write flash attention as 1 and 0.
attention=(1 0)
[[ $("$llama" --help 2>&1 || true) != *'--flash-attn <on'* ]] || attention=(on off)

# One test in one round: the engines take turns. compare NAME PROMPT GENERATED DEPTH OPTION..
compare() {
    local name=$1 prompt=$2 count=$3 depth=$4
    shift 4
    local test=(-m "$model" -p "$prompt" -n "$count" -d "$depth" -t "$threads" -r 1 -o jsonl)
    if [[ $depth -eq 0 ]]; then
        run "$name" llama.cpp "default -fa" "$llama" "${test[@]}"
    else
        name="$name @ d$depth"
        run "$name" llama.cpp "-fa ${attention[0]}" "$llama" "${test[@]}" -fa "${attention[0]}"
        run "$name" llama.cpp "-fa ${attention[1]}" "$llama" "${test[@]}" -fa "${attention[1]}"
    fi
    run "$name" heteroqwen "" "$tool" bench "${test[@]}" "$@"
}

for ((round = 1; round <= rounds; round++)); do
    for depth in ${depths//,/ }; do
        for prompt in ${prompts//,/ }; do
            [[ $prompt -eq 0 ]] || compare "pp$prompt" "$prompt" 0 "$depth" "$@"
        done
        for count in ${generated//,/ }; do
            [[ $count -eq 0 ]] || compare "tg$count" 0 "$count" "$depth" "$@"
        done
    done
done
[[ ! -t 2 ]] || printf '\r\033[K' >&2
[[ -s $results/rates ]] || refuse "-p and -n are both 0, so there is no test; give one of them"

echo "$(basename "$model"), -t $threads, medians of $rounds rounds${*:+, heteroqwen bench $*}"
echo
awk -F '\t' '
    # The value below which a part of a sorted list lies, between its neighbours where it is none of them.
    function quantile(list, count, part,    at, low) {
        at = 1 + (count - 1) * part
        low = int(at)
        return low == count ? list[count] : list[low] + (at - low) * (list[low + 1] - list[low])
    }

    function sorted(from, count, to,    i, j, value) {
        for (i = 1; i <= count; i++) {
            value = from[i]
            for (j = i - 1; j >= 1 && to[j] > value; j--) to[j + 1] = to[j]
            to[j + 1] = value
        }
    }

    function take(key, count, to,    i) {
        for (i = 1; i <= count; i++) to[i] = rates[key, i]
    }

    function median(key,    count, list, order) {
        count = seen[key]
        take(key, count, list)
        sorted(list, count, order)
        return quantile(order, count, 0.5)
    }

    {
        key = $1 SUBSEP $2 SUBSEP $3
        rates[key, ++seen[key]] = $4
        if ($2 == "llama.cpp" && seen[key] == 1) options[$1, ++ways[$1]] = $3
        if (!($1 in known)) { known[$1]; tests[++number] = $1 }
    }

    END {
        printf "%-16s %14s %14s   %6s   %-13s  %s\n", "test", "llama.cpp t/s", "heteroqwen t/s", "ratio", "quartiles", "llama.cpp options"
        for (i = 1; i <= number; i++) {
            test = tests[i]
            best = options[test, 1]
            for (j = 2; j <= ways[test]; j++) {
                if (median(test SUBSEP "llama.cpp" SUBSEP options[test, j]) > median(test SUBSEP "llama.cpp" SUBSEP best)) best = options[test, j]
            }

            theirs = test SUBSEP "llama.cpp" SUBSEP best
            ours = test SUBSEP "heteroqwen" SUBSEP ""
            count = seen[ours]
            for (j = 1; j <= count; j++) ratios[j] = rates[ours, j] / rates[theirs, j]
            sorted(ratios, count, order)
            spread = sprintf("%.2f..%.2f", quantile(order, count, 0.25), quantile(order, count, 0.75))
            tried = ways[test] > 1 ? " (the faster)" : ""
            printf "%-16s %14.2f %14.2f   %6.2f   %-13s  %s%s\n", test, median(theirs), median(ours), quantile(order, count, 0.5), spread, best, tried
        }
    }' "$results/rates"
