using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Handles, statuses and claims that break the contract.</summary>
internal static unsafe class RuntimeFaults
{
    public static ImmutableArray<Mutant> All { get; } =
    [
        new("claims-blocks", "attention_block ffn_block moe_block",
            "The device says that it supports blocks, and refuses to prepare them.", () => new()
        {
            Supports = (_, _) => Support.Yes(),
            Prepare = op => Status.Unsupported($"mutants: {op.Name} is not written yet"),
        }),
        new("denies-norm", "rms_norm", "The device says that it does not support rms_norm, although it prepares and runs it.", () => new()
        {
            Supports = (_, _) => Support.No("not written yet"),
        }),
        new("refuses-at-launch", "softmax attention", "A kernel is prepared and refuses launches of more than one token.", () => new()
        {
            Outcome = (l, status) => Fires(l, l.Bindings.T > 1 || (l.IsWhole && l.Out().Rows > 1))
                ? Status.Unsupported($"mutants: {l.Op.Name}: one row only") : status,
        }),
        new("over-claims-types", "linear", "The device says that it supports weights of Q6_K, and refuses to prepare them.", () => new()
        {
            Prepare = op => op.Operands[1].Element == ElementType.Q6_K ? Status.Unsupported("mutants: q6_k weights") : null,
        }),
        new("wants-more-alignment", "linear rms_norm swiglu",
            "The device declares an alignment of 64 bytes and its kernels refuse what is not at 1024.", () => new()
        {
            Outcome = (l, status) => Fires(l, l.Arguments.Any(a => a.Buffer is not null && a.Offset % 1024 != 0))
                ? Status.InvalidArgument("mutants: an argument is not aligned") : status,
        }),
        new("row-multiple-claimed", "rms_norm softmax binary",
            "The device asks for rows rounded up to 8 elements, and its kernels take them as dense.", () => new()
        {
            Claims = c => c with { RowMultiple = 8 },
        }),
        new("alignment-no-power-of-two", "runtime",
            "The declared alignment is 48.", () => new() { Claims = c => c with { Alignment = 48 } }),
        new("fast-not-run", "linear attention rms_norm", "The device offers both precisions and refuses to prepare fast.", () => new()
        {
            Prepare = op => op.Precision == Precision.Fast ? Status.Unsupported("mutants: exact only") : null,
        }),
        new("batch-invariance-claimed", "linear",
            "The device declares that no row depends on another, and adds the rows of larger batches otherwise.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) => l.Out().Rows > 1 ? y * 1.00003f : y),
        }),
        new("declares-wider-sums", "linear matmul reduce",
            "The device declares that it holds its sums in f64, and holds them in f32.", () => new()
        {
            Claims = c => c with { Numerics = [Wide(Precision.Exact), Wide(Precision.Fast)] },
        }),
        new("complete-too-early", "runtime", "query and wait say that work is complete which is not.", () => new()
        {
            Stream = s => new LateStream(s, overtakes: false, early: true),
        }),
        new("tickets-do-not-rise", "runtime",
            "record gives the same ticket again.", () => new() { Stream = s => new LyingStream(s) { SameTicket = true } }),
        new("error-swallowed", "runtime", "A launch that breaks the contract is answered with ok.", () => new()
        {
            Outcome = (l, status) => Fires(l, !status.IsOk) ? Status.Ok : status,
        }),
        new("error-sticks", "runtime", "After a failed launch no synchronize clears the error.", () => new()
        {
            Stream = s => new LyingStream(s) { KeepsFailing = true },
        }),
        new("hangs", "runtime",
            "The third synchronize of a stream never returns.", () => new() { Stream = s => new LyingStream(s) { HangsAt = 3 } }),
        new("crashes-on-odd-rows", "rms_norm softmax linear",
            "A kernel reads far outside its memory where the number of rows is odd and above one.", () => new()
        {
            Before = l =>
            {
                if (l.Out().Rows % 2 == 1 && l.Out().Rows > 1)
                {
                    l.Fire();
                    Environment.FailFast("mutants: the device's driver died");
                }
            },
        }),
        new("throws", "rms_norm softmax linear",
            "A kernel throws rather than returning a status where it has more than eight rows.", () => new()
        {
            Before = l =>
            {
                if (l.Out().Rows > 8)
                {
                    l.Fire();
                    throw new NotSupportedException("mutants: too many rows");
                }
            },
        }),
        new("allocates-half", "runtime", "Allocations of more than 4 KiB are half as long as asked for.", () => WithAllocation(
            (device, kind, bytes, fire) => device.Allocate(kind, bytes > 4096 ? Halved(bytes, fire) : bytes, out IBuffer? b) is var s
                ? (s, b)
                : default)),
        new("allocates-nothing", "runtime", "An allocation that cannot be had is answered with ok and no buffer.", () => WithAllocation(
            (device, kind, bytes, fire) =>
            {
                Status status = device.Allocate(kind, bytes, out IBuffer? buffer);
                if (!status.IsOk)
                {
                    fire();
                }

                return (Status.Ok, buffer);
            })),
        new("allocation-throws", "runtime", "An allocation that cannot be had throws.", () => WithAllocation(
            (device, kind, bytes, fire) =>
            {
                Status status = device.Allocate(kind, bytes, out IBuffer? buffer);
                if (!status.IsOk)
                {
                    fire();
                    throw new InsufficientMemoryException("mutants: no memory");
                }

                return (status, buffer);
            })),
        new("pinned-memory-unreachable", "runtime", "Pinned host memory has no host address.", () => WithAllocation(
            (device, kind, bytes, fire) =>
            {
                Status status = device.Allocate(kind, bytes, out IBuffer? buffer);
                if (kind == MemoryKind.Device || buffer is null)
                {
                    return (status, buffer);
                }

                fire();
                return (status, new HiddenBuffer(buffer));
            })),
        new("leaks-buffers", "runtime", "A buffer that is released keeps its memory.", () =>
        {
            Fault fault = null!;
            fault = new() { Release = _ => fault.Fire() };
            return fault;
        }),
        new("frees-twice", "runtime", "A buffer's memory is freed again when the buffer after it is.", () =>
        {
            Fault fault = null!;
            nint last = 0;
            fault = new()
            {
                Release = buffer =>
                {
                    if (last != 0)
                    {
                        fault.Fire();
                        NativeMemory.AlignedFree((void*)last);
                    }

                    last = buffer.HostAddress;
                    buffer.Dispose();
                },
            };
            return fault;
        }),
        new("one-kernel-frees-all", "rms_norm linear",
            "Releasing a kernel releases what the others share with it: their results are zero from then on.", () =>
        {
            bool released = false;
            return new()
            {
                ReleaseKernel = _ => released = true,
                After = l => Rows.EachElement(l, (y, _) => released ? 0 : y),
            };
        }),
        new("bound-to-first-thread", "runtime", "A launch from a thread other than the first is refused.", () =>
        {
            int? first = null;
            return new()
            {
                Outcome = (l, status) => Fires(l, (first ??= Environment.CurrentManagedThreadId) != Environment.CurrentManagedThreadId)
                    ? Status.InvalidArgument("mutants: the context belongs to another thread") : status,
            };
        }),
        new("workspace-not-monotone", "linear matmul softmax", "A kernel asks for less workspace the larger the bindings.", () =>
        {
            Fault fault = null!;
            fault = new()
            {
                Workspace = (op, bindings, bytes) =>
                {
                    fault.Fire();
                    return bytes + (64 * Math.Max(1, op.Maxima.T + op.Maxima.R - bindings.T - bindings.R));
                },
            };
            return fault;
        }),
        new("undeclared-in-place", "matmul linear rms_norm softmax",
            "A kernel declares that its result may lie over its operand, and clears the result first.", () => new()
        {
            Info = (_, info) => info with { InPlace = [(0, 0)] },
            Before = l =>
            {
                if (l.Has(0) && l.Out().Address == l.In(0).Address)
                {
                    Rows.EachElement(l, (_, _) => 0);
                }
            },
        }),
        new("operands-not-read", "attention", "A kernel says that it does not read q_pos, and does.", () => new()
        {
            Info = (_, info) => info with { ReadsOperands = info.ReadsOperands & ~(1UL << 4), InPlace = [] },
            Outcome = (l, status) => Fires(l, !status.IsOk) ? status : status,
        }),
    ];

    private static bool Fires(Launch l, bool holds)
    {
        if (holds)
        {
            l.Fire();
        }

        return holds;
    }

    private static long Halved(long bytes, Action fire)
    {
        fire();
        return bytes / 2;
    }

    private static Fault WithAllocation(Func<IDevice, MemoryKind, long, Action, (Status, IBuffer?)> allocate)
    {
        Fault fault = null!;
        fault = new()
        {
            Allocate = device => (MemoryKind kind, long bytes, out IBuffer? buffer) =>
            {
                (Status status, buffer) = allocate(device, kind, bytes, () => fault.Fire());
                return status;
            },
        };
        return fault;
    }

    private static Numerics Wide(Precision precision) => new("*", precision, Rounding.None, Rounding.None, Rounding.None, 53, false);
}
