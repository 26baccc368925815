using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// The index inputs of attention over the paged KV pool, in the order in which ops take them. All are i32. Entry i of sequence b
/// lies in slot page_table[b, i / page] * page + i % page.
/// </summary>
/// <param name="QSeq">[T] the sequence of each token.</param>
/// <param name="QPos">[T] the position of each token.</param>
/// <param name="QStart">[B+1] where each sequence's tokens begin; the last is T.</param>
/// <param name="KvStart">[B+1] where each sequence's entries begin in the lists below; the last is N.</param>
/// <param name="PageTable">[B, P] the pages of each sequence.</param>
/// <param name="KvSlot">[N] the slot of each entry.</param>
/// <param name="KvSeq">[N] the sequence of each entry.</param>
/// <param name="KvPos">[N] the position of each entry.</param>
public sealed record AttentionIndex(
    Value QSeq, Value QPos, Value QStart, Value KvStart, Value PageTable, Value KvSlot, Value KvSeq, Value KvPos)
{
    /// <summary>Names of the operands, in order.</summary>
    public static ImmutableArray<string> Names { get; } = ["q_seq", "q_pos", "q_start", "kv_start", "page_table", "kv_slot", "kv_seq", "kv_pos"];

    /// <summary>What the operands must be.</summary>
    public const string Constraint =
        "q_seq, q_pos [T], q_start, kv_start [B+1], page_table [B, P] with P constant, kv_slot, kv_seq, kv_pos [N], all i32";

    public ImmutableArray<Value> ToArray() => [QSeq, QPos, QStart, KvStart, PageTable, KvSlot, KvSeq, KvPos];

    /// <summary>The index whose values stand in <paramref name="operands"/> from <paramref name="first"/> on.</summary>
    public static AttentionIndex From(ImmutableArray<Value> operands, int first) => new(
        operands[first], operands[first + 1], operands[first + 2], operands[first + 3],
        operands[first + 4], operands[first + 5], operands[first + 6], operands[first + 7]);

    internal static bool Fits(ImmutableArray<TensorType> operands, int first)
    {
        ReadOnlySpan<Dim> dims = [Dim.T, Dim.T, Dim.BPlus1, Dim.BPlus1, Dim.B, Dim.N, Dim.N, Dim.N];
        for (int i = 0; i < dims.Length; i++)
        {
            TensorType type = operands[first + i];
            bool shaped = i == 4 ? type.Rank == 2 && type.Shape[0] == Dim.B && type.Shape[1].IsConstant : type.Shape == new Shape(dims[i]);
            if (type.Element != ElementType.I32 || !shaped)
            {
                return false;
            }
        }

        return true;
    }
}
