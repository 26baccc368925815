namespace HeteroQwen.Models;

/// <summary>Type of a metadata value; the numbers are the file's.</summary>
public enum GgufType : byte
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    Text = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>Where a metadata value stands in its file. Nothing of it is read before it is asked for.</summary>
/// <param name="Type">The value's type.</param>
/// <param name="Item">Type of an array's items; else the value's own type.</param>
/// <param name="Offset">Its first byte: of a text the first character, of an array the first item.</param>
/// <param name="Count">A text's bytes, an array's items; else 1.</param>
public readonly record struct GgufValue(GgufType Type, GgufType Item, long Offset, long Count);

internal static class GgufTypes
{
    /// <summary>Bytes of a value of fixed size; 0 for a text and an array.</summary>
    public static int Bytes(this GgufType type) => type switch
    {
        GgufType.UInt8 or GgufType.Int8 or GgufType.Bool => 1,
        GgufType.UInt16 or GgufType.Int16 => 2,
        GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
        GgufType.UInt64 or GgufType.Int64 or GgufType.Float64 => 8,
        _ => 0,
    };
}
