using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Where a storage's memory comes from.</summary>
internal enum StorageKind
{
    /// <summary>A range of the arena, shared with others that are not alive at the same time.</summary>
    Arena,

    /// <summary>A buffer of its own that outlives steps.</summary>
    State,
}

/// <summary>Memory of one value on one side: row-major, rows apart by the last dimension rounded up to the side's row multiple.</summary>
internal sealed class Storage(Side side, StorageKind kind, string name, TensorType type, Capabilities capabilities)
{
    public Side Side { get; } = side;

    public StorageKind Kind { get; } = kind;

    public string Name { get; } = name;

    public TensorType Type { get; } = type;

    public ImmutableArray<Extent> Strides { get; } = RowMajor(type.Shape.Dims, capabilities.RowMultiple);

    /// <summary>First and last instruction that uses it.</summary>
    public int First { get; private set; } = int.MaxValue;

    public int Last { get; private set; } = -1;

    /// <summary>Set where the value is written over one whose last use this is.</summary>
    public Storage? Alias { get; set; }

    /// <summary>Number of the arena's buffer, and the offset within it.</summary>
    public int Slab { get; set; }

    public long SlabOffset { get; set; }

    /// <summary>Set once memory is allocated.</summary>
    public IBuffer? Buffer { get; set; }

    public long Offset => Kind == StorageKind.State ? 0 : Root.SlabOffset;

    public Storage Root => Alias is null ? this : Alias.Root;

    public void ForgetUses() => (First, Last, Alias) = (int.MaxValue, -1, null);

    public void UseAt(int instruction)
    {
        First = Math.Min(First, instruction);
        Last = Math.Max(Last, instruction);
    }

    /// <summary>Bytes with these bindings, row padding and tail included.</summary>
    public long Bytes(in Bindings bindings, Capabilities capabilities)
    {
        long elements = Type.Rank == 0 ? 1 : checked(Type.Shape[0].Resolve(bindings) * Strides[0].Resolve(bindings));
        if (Type.Rank == 1)
        {
            elements = Type.Shape[0].Resolve(bindings);
        }

        return Extent.RoundUp(Type.Element.Bytes(Extent.RoundUp(elements, Type.Element.BlockElements())), capabilities.LengthAlignment);
    }

    /// <summary>Row-major strides; a row whose last dimension is the constant 1 is not rounded up.</summary>
    public static ImmutableArray<Extent> RowMajor(ImmutableArray<Dim> dims, int rowMultiple)
    {
        var strides = new Extent[dims.Length];
        Extent stride = Extent.One;
        for (int axis = dims.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            bool rounds = axis == dims.Length - 1 && dims[axis] != 1;
            stride = stride.Times(dims[axis], rounds ? rowMultiple : 1);
        }

        return [.. strides];
    }
}
