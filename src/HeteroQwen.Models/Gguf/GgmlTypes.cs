using System.Collections.Frozen;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A tensor type of ggml.</summary>
/// <param name="Name">As ggml writes it.</param>
/// <param name="BlockElements">Elements that share one block; a row is whole blocks.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="Element">The type here; null where there is none.</param>
internal sealed record GgmlType(string Name, int BlockElements, int BlockBytes, ElementType? Element = null);

/// <summary>
/// The tensor types that a GGUF file may hold, by ggml's numbers. Numbers that ggml has withdrawn are unknown here, as there.
/// </summary>
internal static class GgmlTypes
{
    private static readonly FrozenDictionary<uint, GgmlType> s_byNumber = new Dictionary<uint, GgmlType>
    {
        [0] = new("f32", 1, 4, ElementType.F32),
        [1] = new("f16", 1, 2, ElementType.F16),
        [2] = new("q4_0", 32, 18, ElementType.Q4_0),
        [3] = new("q4_1", 32, 20),
        [6] = new("q5_0", 32, 22),
        [7] = new("q5_1", 32, 24),
        [8] = new("q8_0", 32, 34, ElementType.Q8_0),
        [9] = new("q8_1", 32, 36),
        [10] = new("q2_K", 256, 84),
        [11] = new("q3_K", 256, 110),
        [12] = new("q4_K", 256, 144, ElementType.Q4_K),
        [13] = new("q5_K", 256, 176),
        [14] = new("q6_K", 256, 210, ElementType.Q6_K),
        [15] = new("q8_K", 256, 292),
        [16] = new("iq2_xxs", 256, 66),
        [17] = new("iq2_xs", 256, 74),
        [18] = new("iq3_xxs", 256, 98),
        [19] = new("iq1_s", 256, 50),
        [20] = new("iq4_nl", 32, 18),
        [21] = new("iq3_s", 256, 110),
        [22] = new("iq2_s", 256, 82),
        [23] = new("iq4_xs", 256, 136),
        [24] = new("i8", 1, 1),
        [25] = new("i16", 1, 2),
        [26] = new("i32", 1, 4),
        [27] = new("i64", 1, 8),
        [28] = new("f64", 1, 8),
        [29] = new("iq1_m", 256, 56),
        [30] = new("bf16", 1, 2, ElementType.BF16),
        [34] = new("tq1_0", 256, 54),
        [35] = new("tq2_0", 256, 66),
        [39] = new("mxfp4", 32, 17),
        [40] = new("nvfp4", 64, 36),
        [41] = new("q1_0", 128, 18),
        [42] = new("q2_0", 64, 18),
    }.ToFrozenDictionary();

    /// <summary>Names of the types that weights may have.</summary>
    public static string Supported { get; } =
        string.Join(", ", s_byNumber.OrderBy(t => t.Key).Where(t => t.Value.Element is not null).Select(t => t.Value.Name));

    /// <summary>ggml's number of a type that weights may have.</summary>
    public static uint NumberOf(ElementType type) => s_byNumber.Single(t => t.Value.Element == type).Key;

    public static GgmlType? Find(uint number) => s_byNumber.GetValueOrDefault(number);
}
