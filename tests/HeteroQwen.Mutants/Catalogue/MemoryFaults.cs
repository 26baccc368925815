using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Wrong places and wrong times.</summary>
internal static unsafe class MemoryFaults
{
    private const string Any =
        "matmul binary unary reduce gather_rows copy top_k rms_norm softmax silu swiglu rope qk_norm_rope linear attention moe_route "
        + "moe_ffn";

    public static ImmutableArray<Mutant> All { get; } =
    [
        new("writes-past-end", Any, "A kernel writes four bytes behind its result.", () => new() { After = l => Poke(l, before: false) }),
        new("writes-before-start", Any,
            "A kernel writes four bytes in front of its result.", () => new() { After = l => Poke(l, before: true) }),
        new("tail-unwritten", Any, "What is left of a result after whole vectors of eight is not written.", () => new()
        {
            Before = l => l.Kept = IsFloat(l) ? l.Out().ToArray() : [],
            After = l =>
            {
                Tensor y = l.Out();
                for (long i = y.Count / 8 * 8; i < l.Kept.Length; i++)
                {
                    y[i] = l.Kept[i];
                }
            },
        }),
        new("adds-to-result", "matmul linear", "A product adds to what its result held before.", () => new()
        {
            Before = l => l.Kept = l.Out().ToArray(),
            After = l => Rows.EachElement(l, (y, i) => y + l.Kept[i]),
        }),
        new("changes-operand", "rms_norm softmax linear swiglu", "A kernel rounds its operand in place.", () => new()
        {
            After = l =>
            {
                Tensor x = l.In(0);
                for (long i = 0; i < x.Count; i++)
                {
                    x[i] = Rounded.ToBFloat16(x[i]);
                }
            },
        }),
        new("strides-ignored", Any, "A strided operand is read as if it were dense.", () => new()
        {
            Before = l => EachStrided(l, (strides, dims) => Tensor.Dense(dims)),
        }),
        new("outer-stride-from-next", "rope qk_norm_rope attention softmax rms_norm",
            "The stride of the outermost axis is taken from the next one.", () => new()
        {
            Before = l => EachStrided(l, (strides, dims) => strides.Length < 2 ? strides : [strides[1] * dims[1], .. strides[1..]]),
        }),
        new("offset-rounded-down", Any, "The offset of an operand is rounded down to 1024 bytes.", () => new()
        {
            Before = l =>
            {
                foreach (ref Argument argument in l.Arguments.AsSpan(0, l.Op.Operands.Length))
                {
                    if (argument.Buffer is not null && argument.Offset % 1024 != 0)
                    {
                        argument.Offset -= argument.Offset % 1024;
                        l.Fire();
                    }
                }
            },
        }),
        new("operand-cached-by-address", "linear matmul",
            "What was made of an operand is kept by its address and used when another tensor lies there.", () =>
        {
            Dictionary<(nint, long), float[]> seen = [];
            return new()
            {
                Before = l =>
                {
                    Tensor x = l.In(0);
                    if (!seen.TryGetValue(((nint)x.Address, x.Count), out float[]? first))
                    {
                        seen.Add(((nint)x.Address, x.Count), x.ToArray());
                        return;
                    }

                    Tensor stale = l.Replace(0);
                    for (long i = 0; i < first.Length; i++)
                    {
                        stale[i] = first[i];
                    }
                },
            };
        }),
        new("first-bindings-kept", "rms_norm linear swiglu softmax", "A kernel does as many rows as in its first launch.", () =>
        {
            Dictionary<(string, long), long> first = [];
            return new()
            {
                Before = l => l.Kept = l.Out().ToArray(),
                After = l =>
                {
                    Tensor y = l.Out();
                    first.TryAdd((l.Op.Name, y.Last), y.Count);
                    for (long i = first[(l.Op.Name, y.Last)]; i < y.Count; i++)
                    {
                        y[i] = l.Kept[i];
                    }
                },
            };
        }),
        new("weights-cached-by-shape", "linear rms_norm qk_norm_rope",
            "A packed weight is found again by its type and shape, not by its identity.", () =>
        {
            Dictionary<string, ConstantData> packed = [];
            return new()
            {
                Constant = c =>
                {
                    string key = $"{c.Type}[{string.Join(",", c.Shape)}]";
                    if (!packed.TryGetValue(key, out ConstantData? first))
                    {
                        packed.Add(key, Copied(c));
                        return c;
                    }

                    return first.Identity == c.Identity ? c : first;
                },
            };
        }),
        new("sometimes-wrong", "linear matmul", "A race spoils one element in every seventh launch.", () =>
        {
            int launches = 0;
            return new() { After = l => l.Out()[0] = ++launches % 7 == 0 ? l.Out()[0] + 1 : l.Out()[0] };
        }),
        new("scatter-clears-page", "scatter_rows",
            "A scatter clears what follows its last row up to the next multiple of 16 rows.", () => new()
        {
            After = l =>
            {
                Tensor state = l.Out();
                long row = state.Count / state.Dims[0];
                long last = (long)l.In(1)[l.In(1).Count - 1];
                long end = Math.Min((last / 16 * 16) + 16, state.Dims[0]);
                for (long i = (last + 1) * row; i < end * row && state.Element < ElementType.Q8_0; i++)
                {
                    state[i] = 0;
                }
            },
        }),
        new("state-copied-late", "scatter_rows", "A scatter takes effect with the launch after it.", () =>
        {
            Action? pending = null;
            return new()
            {
                Before = l =>
                {
                    pending?.Invoke();
                    pending = null;
                    l.Kept = l.Out().Element < ElementType.Q8_0 ? l.Out().ToArray() : [];
                },
                After = l =>
                {
                    Tensor state = l.Out();
                    float[] next = state.ToArray();
                    for (long i = 0; i < l.Kept.Length; i++)
                    {
                        state[i] = l.Kept[i];
                    }

                    pending = l.Kept.Length == 0 ? null : () =>
                    {
                        for (long i = 0; i < next.Length; i++)
                        {
                            state[i] = next[i];
                        }
                    };
                },
            };
        }),
        new("copy-drops-odd-bytes", "runtime", "A copy between buffers moves whole words of 16 bytes only.", () => new()
        {
            Stream = s => new CopyStream(s, (ref long to, ref long from, ref long bytes) => bytes -= bytes % 16),
        }),
        new("copy-aligns-source", "runtime", "A copy starts at the multiple of 16 below its source's offset.", () => new()
        {
            Stream = s => new CopyStream(s, (ref long to, ref long from, ref long bytes) => from -= from % 16),
        }),
        new("copy-ignores-destination", "runtime", "A copy of less than 64 bytes goes to the start of its buffer.", () => new()
        {
            Stream = s => new CopyStream(s, (ref long to, ref long from, ref long bytes) => to = bytes < 64 ? 0 : to),
        }),
        new("fill-takes-low-byte", "runtime",
            "A fill repeats the low byte of its pattern, as memset does.", () => new() { Stream = s => new ByteFillStream(s) }),
        new("copies-overtake", "runtime", "Copies do not wait for the launches before them.", () => new()
        {
            Stream = s => new LateStream(s, overtakes: true, early: false),
        }),
        new("workspace-taken-as-zero", "linear matmul softmax", "A kernel takes its workspace to be cleared.", () => new()
        {
            Workspace = (_, _, bytes) => bytes + 64,
            After = l => l.Out()[0] += *(float*)(l.Workspace!.HostAddress + l.WorkspaceOffset),
        }),
        new("workspace-overrun", "linear matmul softmax", "A kernel writes 64 bytes more than the workspace that it asks for.", () => new()
        {
            Workspace = (_, _, bytes) => bytes + 64,
            After = l => Overrun(l, 64),
        }),
    ];

    /// <summary>The constant in memory that stays: whoever gave it may release it before another takes it for its own.</summary>
    private static ConstantData Copied(ConstantData constant)
    {
        nint copy = (nint)NativeMemory.Alloc((nuint)constant.Bytes);
        constant.Read(0, copy, constant.Bytes);
        return new ConstantData(constant.Identity, constant.Type, constant.Shape, [new ByteRange(copy, constant.Bytes)]);
    }

    private static bool IsFloat(Launch l) => l.Op.Results[0].Element.IsFloat();

    /// <summary>Writes beside the result, as far as its buffer reaches.</summary>
    private static void Poke(Launch l, bool before)
    {
        Argument result = l.Arguments[l.Op.Operands.Length];
        long bytes = l.Op.Results[0].Element.Bytes(l.Out().Count);
        long at = before ? result.Offset - 4 : result.Offset + bytes;
        if (at >= 0 && at + 4 <= result.Buffer!.Bytes)
        {
            *(int*)(result.Buffer.HostAddress + (nint)at) ^= 0x55555555;
            l.Fire();
        }
    }

    private static void Overrun(Launch l, int bytes)
    {
        long start = l.WorkspaceOffset + bytes;
        for (long at = start; l.Workspace is { } workspace && at + 4 <= Math.Min(start + bytes, workspace.Bytes); at += 4)
        {
            *(int*)(workspace.HostAddress + (nint)at) ^= 0x55555555;
            l.Fire();
        }
    }

    private static void EachStrided(Launch l, Func<long[], long[], long[]> change)
    {
        for (int i = 0; i < l.Op.Operands.Length; i++)
        {
            if (l.Op.Operands[i] is { Strided: true } operand && l.Has(i))
            {
                long[] dims = l.In(i).Dims;
                Argument changed = l.Arguments[i] with { Strides = change(l.Arguments[i].Strides, dims) };
                bool differs = dims.Select((d, axis) => d > 1 && changed.Strides[axis] != l.Arguments[i].Strides[axis]).Any(b => b);
                if (differs && Tensor.Fits(operand, l.Bindings, changed))
                {
                    l.Arguments[i] = changed;
                    l.Fire();
                }
            }
        }
    }
}
