using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>A value as strides over a storage: what a chain of views has made of it.</summary>
internal sealed record TensorView(
    Storage Storage, ImmutableArray<Dim> Dims, ImmutableArray<Extent> Strides, ImmutableArray<(long Index, Extent Stride)> Starts)
{
    public static TensorView Of(Storage storage) => new(storage, storage.Type.Shape.Dims, storage.Strides, []);

    /// <summary>Elements from the storage's start to the view's.</summary>
    public long Start(in Bindings bindings)
    {
        long start = 0;
        foreach ((long index, Extent stride) in Starts)
        {
            start = checked(start + (index * stride.Resolve(bindings)));
        }

        return start;
    }

    /// <summary>True if a kernel that asks for dense operands may take it: row-major with the side's rows.</summary>
    public bool IsDense(int rowMultiple)
    {
        ImmutableArray<Extent> dense = Storage.RowMajor(Dims, rowMultiple);
        return Enumerable.Range(0, Dims.Length).All(axis => Dims[axis] == 1 || Strides[axis].Equals(dense[axis]));
    }

    /// <summary>True if it starts at a multiple of the alignment whatever the bindings.</summary>
    public bool IsAligned(int alignment) =>
        Starts.All(s => s.Index == 0 || s.Stride.Coefficient * s.Index * Storage.Type.Element.BlockBytes() % ((long)alignment * Storage.Type.Element.BlockElements()) == 0);

    /// <summary>The view that <paramref name="operation"/> makes of this one; null where strides cannot express it.</summary>
    public TensorView? Apply(Operation operation)
    {
        ImmutableArray<Dim> dims = operation.Results[0].Type.Shape.Dims;
        Attributes attributes = operation.Attributes;
        switch (operation.Definition)
        {
            case Permute:
                return this with { Dims = dims, Strides = [.. Permute.Order(attributes).Select(axis => Strides[axis])] };
            case Slice:
                return this with { Dims = dims, Starts = Starts.Add((attributes.Int64("start"), Strides[(int)attributes.Int64("axis")])) };
            case Broadcast:
                int added = dims.Length - Dims.Length;
                var strides = dims.Select((dim, i) => i < added || Dims[i - added] != dim ? Extent.Zero : Strides[i - added]);
                return this with { Dims = dims, Strides = [.. strides] };
            case Reshape:
                return ReshapeStrides.TryReshape(Dims, Strides, dims, out ImmutableArray<Extent> reshaped) ? this with { Dims = dims, Strides = reshaped } : null;
            default:
                throw new InvalidOperationException($"{operation.Definition.Name} is no view");
        }
    }
}
