using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">The format's name of its element type, such as <c>BF16</c>.</param>
/// <param name="Shape">Its dims.</param>
/// <param name="Offset">Where it begins, counted from the start of the file; aligned to nothing.</param>
/// <param name="Length">Its bytes.</param>
public sealed record SafetensorsTensor(string Name, string Type, ImmutableArray<long> Shape, long Offset, long Length);

/// <summary>The element types of the format.</summary>
internal static class SafetensorsTypes
{
    private static readonly Dictionary<string, (string Name, int Bits)> s_bits = new (string Name, int Bits)[]
    {
        ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8), ("F8_E4M3", 8), ("F8_E8M0", 8),
        ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16), ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F32", 32),
        ("C64", 64), ("F64", 64), ("I64", 64), ("U64", 64),
    }.ToDictionary(t => t.Name);

    /// <summary>The name (the table's own string, so that a header of a million tensors holds one copy) and its bits.</summary>
    public static bool TryGet(string name, out (string Name, int Bits) type) => s_bits.TryGetValue(name, out type);

    /// <summary>The type of weights that a model can have; null for the others.</summary>
    public static ElementType? Weight(string name) => name switch
    {
        "F32" => ElementType.F32,
        "F16" => ElementType.F16,
        "BF16" => ElementType.BF16,
        _ => null,
    };
}
