namespace HeteroQwen.Ir;

/// <summary>
/// Type of a tensor's elements. The block-quantised types are storage for weights, laid out as GGUF defines them; every
/// operation sees their elements dequantised.
/// </summary>
/// <remarks>The numbers cross the backend line (<c>heteroqwen_backend.h</c>) and never change.</remarks>
public enum ElementType
{
    F32 = 0,
    F16 = 1,
    BF16 = 2,
    I32 = 3,
    I8 = 4,
    Bool = 5,
    Q8_0 = 6,
    Q4_0 = 7,
    Q4_K = 8,
    Q6_K = 9,
}

/// <summary>Sizes and names of <see cref="ElementType"/>.</summary>
public static class ElementTypes
{
    private static readonly (string Name, int BlockElements, int BlockBytes)[] s_table =
    [
        ("f32", 1, 4), ("f16", 1, 2), ("bf16", 1, 2), ("i32", 1, 4), ("i8", 1, 1), ("bool", 1, 1),
        ("q8_0", 32, 34), ("q4_0", 32, 18), ("q4_k", 256, 144), ("q6_k", 256, 210),
    ];

    /// <summary>All element types, in order of their numbers.</summary>
    public static IReadOnlyList<ElementType> All { get; } = Enum.GetValues<ElementType>();

    /// <summary>Elements that share one block: 1, save for the quantised types.</summary>
    public static int BlockElements(this ElementType type) => s_table[(int)type].BlockElements;

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(this ElementType type) => s_table[(int)type].BlockBytes;

    public static bool IsQuantized(this ElementType type) => type >= ElementType.Q8_0;

    public static bool IsFloat(this ElementType type) => type <= ElementType.BF16;

    /// <summary>The name in the text form of the IR, such as <c>f32</c> or <c>q4_k</c>.</summary>
    public static string Name(this ElementType type) => s_table[(int)type].Name;

    /// <summary>Reads a name as <see cref="Name"/> writes it.</summary>
    public static bool TryParse(string name, out ElementType type)
    {
        int i = Array.FindIndex(s_table, row => row.Name == name);
        type = (ElementType)Math.Max(i, 0);
        return i >= 0;
    }

    /// <summary>Bytes of <paramref name="elements"/> elements that lie side by side; whole blocks only.</summary>
    /// <exception cref="ArgumentException">The elements do not fill whole blocks.</exception>
    public static long Bytes(this ElementType type, long elements)
    {
        (string name, int blockElements, int blockBytes) = s_table[(int)type];
        if (elements % blockElements != 0)
        {
            throw new ArgumentException($"{elements} elements are no whole number of {name} blocks of {blockElements}");
        }

        return checked(elements / blockElements * blockBytes);
    }
}
