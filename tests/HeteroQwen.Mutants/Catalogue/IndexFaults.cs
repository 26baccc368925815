using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Masks, positions, slots and indices that are wrong.</summary>
internal static unsafe class IndexFaults
{
    private const int QSeq = 3, QPos = 4, KvStart = 6, PageTable = 7;

    public static ImmutableArray<Mutant> All { get; } =
    [
        new("mask-sees-next", "attention",
            "The causal mask is off by one: a token sees the entry after its own, where there is one.", () => new()
        {
            Before = l => EachToken(l, (position, entries) => Math.Min(position + 1, entries - 1)),
        }),
        new("mask-hides-own", "attention", "The last KV slot that a token sees, its own, is ignored.", () => new()
        {
            Before = l => EachToken(l, (position, _) => Math.Max(position - 1, 0)),
        }),
        new("window-one-wider", "attention", "A window shows one entry too many.",
            () => Descriptors.Takes("window", op => op.Attributes.Int64("window") is var w && w > 0 ? w + 1 : w)),
        new("window-ignored", "attention", "A window is ignored.", () => Descriptors.Takes("window", _ => 0L)),
        new("first-entry-hidden", "attention",
            "The first entry of a sequence is never seen where there are others.", () => AttentionFormula.Fault(
            (f, token) => f.First(token) == 0 && f.Position(token) > 0,
            (f, token, entry) => entry > 0 ? f.Slot(token, entry) : -1)),
        new("stale-slot", "attention", "The last slot of a filled page is read as the one before it.", () => AttentionFormula.Fault(
            (f, token) => f.Position(token) >= f.Page - 1,
            (f, token, entry) => f.Slot(token, entry) - (entry % f.Page == f.Page - 1 && f.Page > 1 ? 1 : 0))),
        new("pages-of-first-sequence", "attention", "The page table of the first sequence serves all.", () => new()
        {
            Before = l =>
            {
                Tensor table = l.Replace(PageTable);
                for (long i = table.Last; i < table.Count; i++)
                {
                    table[i] = table[i % table.Last];
                }
            },
        }),
        new("pages-taken-in-a-row", "attention", "The pages of a sequence are taken to follow its first one.", () => AttentionFormula.Fault(
            (f, token) => f.Position(token) >= f.Page,
            (f, token, entry) => Math.Min(f.Slot(token, 0) + entry, f.Slots - 1))),
        new("query-groups-interleaved", "attention",
            "Query head h reads KV head h modulo Hkv rather than h divided by the group.", () => new()
        {
            Before = l => MoveHeads(l, l.Replace(0), l.In(0), 0, back: false),
            After = l => MoveHeads(l, l.Out(), null, 0, back: true),
        }),
        new("batches-interleaved", "matmul", "A grouped product pairs batch i of A with batch i modulo the batches of B.", () => new()
        {
            ReadsWeights = true,
            After = GroupsInterleaved,
        }),
        new("gather-next-row", "gather_rows", "A gather reads the row after the one asked for, save at the end.", () => new()
        {
            Before = l => EachIndex(l, 1, (index, _) => Math.Min(index + 1, RowsOf(l) - 1)),
        }),
        new("gather-index-as-byte", "gather_rows", "A gather looks at the low eight bits of an index.", () => new()
        {
            Before = l => EachIndex(l, 1, (index, _) => index & 0xFF),
        }),
        new("scatter-skips-last", "scatter_rows", "A scatter leaves out its last row.", () => new()
        {
            Before = l => l.Kept = StateRow(l, LastIndex(l)),
            After = l => PutStateRow(l, LastIndex(l), l.Kept),
        }),
        new("scatter-in-order", "scatter_rows", "A scatter writes its rows to consecutive slots from the first on.", () => new()
        {
            Before = l => EachIndex(l, 1, (_, i) => Math.Min((int)l.In(1)[0] + (int)i, RowsOf(l) - 1)),
        }),
        new("ties-to-higher", "top_k", "Of equals, top_k prefers the higher index.", () => new() { After = TiesToHigher }),
        new("top-k-last-twice", "top_k moe_route", "The last of the k is the one before it again.", () => new()
        {
            After = l =>
            {
                (Tensor values, Tensor index) = (l.Out(0), l.Out(1));
                Rows.Each(index, (row, k) =>
                {
                    if (k > 1)
                    {
                        (values[row, k - 1], index[row, k - 1]) = (values[row, k - 2], index[row, k - 2]);
                    }
                });
            },
        }),
        new("rope-first-position", "rope qk_norm_rope", "At position 0 rope turns by a small angle.", () => new()
        {
            Before = l =>
            {
                int last = l.Op.Operands.Length - 1;
                (Tensor cos, Tensor sin) = (l.Replace(last - 1), l.Replace(last));
                for (long i = 0; i < cos.Count; i++)
                {
                    (cos[i], sin[i]) = (cos[i], sin[i]) is (1, 0) ? (MathF.Cos(0.01f), MathF.Sin(0.01f)) : (cos[i], sin[i]);
                }
            },
        }),
        new("rope-previous-token", "rope qk_norm_rope",
            "Every token but the first is turned by the angle of the one before it.", () => new()
        {
            Before = l =>
            {
                foreach (int operand in (ReadOnlySpan<int>)[l.Op.Operands.Length - 2, l.Op.Operands.Length - 1])
                {
                    Tensor angles = l.Replace(operand);
                    for (long i = angles.Count - 1; i >= angles.Last; i--)
                    {
                        angles[i] = angles[i - angles.Last];
                    }
                }
            },
        }),
        new("expert-of-first-choice", "moe_ffn", "All choices of a token go to its first expert.", () => new()
        {
            Before = l => EachIndex(l, 2, (_, i) => (int)l.In(2)[i - (i % l.In(2).Last)]),
        }),
        new("expert-of-first-token", "matmul", "An indexed product takes the first token's matrices for all.", () => new()
        {
            Before = l =>
            {
                if (l.Op.Operands.Length == 3)
                {
                    EachIndex(l, 2, (_, i) => (int)l.In(2)[i % l.In(2).Last]);
                }
            },
        }),
        new("broadcast-first-column", "binary", "A row that is broadcast over others counts with its first element only.", () => new()
        {
            Before = l =>
            {
                for (int i = 0; i < l.Op.Operands.Length; i++)
                {
                    Tensor x = l.In(i);
                    if (x.Count == x.Last && x.Last > 1 && l.Out().Count > x.Count)
                    {
                        Tensor row = l.Replace(i);
                        for (long j = 1; j < row.Count; j++)
                        {
                            row[j] = row[0];
                        }
                    }
                }
            },
        }),
        new("less-or-equal-as-less", "binary", "le is lt.", () => Descriptors.Takes(
            "kind", op => op.Attributes.Text("kind") is var kind && kind == "le" ? "lt" : kind)),
        new("concat-exchanged", "copy", "A concat joins its first two operands the other way round.", () => new()
        {
            Before = l =>
            {
                if (l.Op.Operands.Length > 1 && l.In(0).Dims.SequenceEqual(l.In(1).Dims) && l.In(0).Address != l.In(1).Address)
                {
                    (l.Arguments[0], l.Arguments[1]) = (l.Arguments[1], l.Arguments[0]);
                    l.Fire();
                }
            },
        }),
        new("reduce-misses-first", "reduce",
            "A reduction over more than one element leaves out the first.", () => new() { After = WithoutFirst }),
    ];

    private static void EachToken(Launch l, Func<int, int, int> position)
    {
        (Tensor sequence, Tensor starts, Tensor at) = (l.In(QSeq), l.In(KvStart), l.Replace(QPos));
        for (long t = 0; t < at.Count; t++)
        {
            long b = (long)sequence[t];
            at[t] = position((int)at[t], (int)(starts[b + 1] - starts[b]));
        }
    }

    private static void EachIndex(Launch l, int operand, Func<int, long, int> change)
    {
        Tensor given = l.In(operand);
        Tensor index = l.Replace(operand);
        for (long i = 0; i < index.Count; i++)
        {
            index[i] = change((int)given[i], i);
        }
    }

    private static int RowsOf(Launch l) => (int)l.Op.Operands[0].Dims[0].Resolve(l.Bindings);

    private static long LastIndex(Launch l) => (long)l.In(1)[l.In(1).Count - 1];

    private static float[] StateRow(Launch l, long row)
    {
        Tensor state = l.Out();
        ReadOnlySpan<byte> bytes = RowBytes(state, row);
        return [.. bytes.ToArray().Select(b => (float)b)];
    }

    private static void PutStateRow(Launch l, long row, float[] kept)
    {
        Span<byte> bytes = RowBytes(l.Out(), row);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != (byte)kept[i])
            {
                bytes[i] = (byte)kept[i];
                l.Fire();
            }
        }
    }

    private static Span<byte> RowBytes(Tensor state, long row)
    {
        long bytes = state.Element.Bytes(state.Count / state.Dims[0]);
        return new Span<byte>(state.Address + (row * bytes), (int)bytes);
    }

    /// <summary>Exchanges heads so that the kernel pairs head h with KV head h modulo Hkv; back undoes it on the result.</summary>
    private static void MoveHeads(Launch l, Tensor to, Tensor? from, int _, bool back)
    {
        (long heads, long kvHeads) = (to.Dims[1], l.Op.Operands[1].Dims[1].Constant);
        long group = heads / kvHeads;
        float[] all = (from ?? to).ToArray();
        for (long i = 0; i < to.Count; i++)
        {
            long h = i / to.Last % heads;
            long other = back ? ((h % kvHeads) * group) + (h / kvHeads) : ((h % group) * kvHeads) + (h / group);
            to[i] = all[i + ((other - h) * to.Last)];
        }
    }

    private static void GroupsInterleaved(Launch l)
    {
        Product p = new(l);
        if (p.IsIndexed || p.A.Dims.Length != 3 || p.A.Dims[0] == p.B.Dims[0])
        {
            return;
        }

        long rows = p.Out.Dims[1];
        for (long row = 0; row < p.Out.Rows; row++)
        {
            for (long column = 0; column < p.Out.Last; column++)
            {
                double sum = 0;
                long b = (row / rows % p.B.Dims[0] * p.B.Dims[1]) + column;
                for (long k = 0; k < p.Depth; k++)
                {
                    sum += (double)p.A[row, k] * p.B[b, k];
                }

                p.Out[row, column] = (float)sum;
            }
        }
    }

    private static void TiesToHigher(Launch l)
    {
        (Tensor x, Tensor values, Tensor index) = (l.In(0), l.Out(0), l.Out(1));
        Rows.Each(values, (row, k) =>
        {
            long[] order = [.. Enumerable.Range(0, (int)x.Last).Select(i => (long)i)
                .OrderByDescending(i => float.IsNaN(x[row, i]) ? float.NegativeInfinity : x[row, i]).ThenByDescending(i => i)];
            for (long j = 0; j < k; j++)
            {
                (values[row, j], index[row, j]) = (x[row, order[j]], order[j]);
            }
        });
    }

    private static void WithoutFirst(Launch l)
    {
        (Tensor x, Tensor y) = (l.In(0), l.Out());
        int axis = (int)l.Op.Attributes.Int64("axis");
        long inner = x.Dims.Skip(axis + 1).Aggregate(1L, (a, d) => a * d);
        for (long i = 0; i < y.Count && x.Dims[axis] > 1; i++)
        {
            (long outer, long at) = Math.DivRem(i, inner);
            (double sum, float most) = (0, float.NegativeInfinity);
            for (long j = 1; j < x.Dims[axis]; j++)
            {
                float value = x[(((outer * x.Dims[axis]) + j) * inner) + at];
                (sum, most) = (sum + value, MathF.Max(most, value));
            }

            y[i] = l.IsKind("max") ? most : (float)sum;
        }
    }
}
