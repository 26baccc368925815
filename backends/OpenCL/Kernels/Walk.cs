namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>
/// An elementwise walk over tensors of one shape and any strides, as <c>prelude.cl</c> takes it: axes that all tensors run through
/// evenly are merged, the innermost of what is left is the row, and rows are cut into blocks, one for each work-item.
/// </summary>
internal sealed class Walk(int tensors, int block)
{
    /// <summary>Outer axes, the innermost of them first, and in the last place the row: what an IR of at most 8 axes needs.</summary>
    private const int Slots = 8;

    private readonly long[] _merged = new long[Slots];
    private readonly long[,] _mergedStrides = new long[Slots, tensors];
    private readonly long[] _dims = new long[Slots];
    private readonly long[][] _strides = [.. Enumerable.Range(0, tensors).Select(_ => new long[Slots])];
    private long _blocks;
    private int _axes;

    /// <summary>Number of blocks.</summary>
    public long Units { get; private set; }

    /// <summary>Lays out the walk.</summary>
    /// <param name="dims">The common dimensions, at most 8.</param>
    /// <param name="strides">The strides of each tensor, in order.</param>
    public void Set(ReadOnlySpan<long> dims, params ReadOnlySpan<long[]> strides)
    {
        int count = Merge(dims, strides);
        _axes = count - 1;
        _dims[Slots - 1] = _merged[count - 1];
        Units = 1;
        for (int slot = 0; slot < Slots - 1; slot++)
        {
            int axis = count - 2 - slot;
            _dims[slot] = axis < 0 ? 1 : _merged[axis];
            Units = checked(Units * _dims[slot]);
            for (int t = 0; t < tensors; t++)
            {
                _strides[t][slot] = axis < 0 ? 0 : _mergedStrides[axis, t];
            }
        }

        for (int t = 0; t < tensors; t++)
        {
            _strides[t][Slots - 1] = _mergedStrides[count - 1, t];
        }

        _blocks = (_dims[Slots - 1] + block - 1) / block;
        Units = checked(Units * _blocks);
    }

    /// <summary>The arguments of WALK, and then the strides of each tensor.</summary>
    public ClFunction Arguments(ClFunction function)
    {
        function.Long(Units).Long(_blocks).Int(_axes).Long8(_dims);
        foreach (long[] strides in _strides)
        {
            function.Long8(strides);
        }

        return function;
    }

    private int Merge(ReadOnlySpan<long> dims, ReadOnlySpan<long[]> strides)
    {
        int count = 0;
        for (int axis = 0; axis < dims.Length; axis++)
        {
            if (dims[axis] == 1)
            {
                continue;
            }

            if (count > 0 && RunsOn(count - 1, dims[axis], axis, strides))
            {
                _merged[count - 1] *= dims[axis];
            }
            else
            {
                _merged[count++] = dims[axis];
            }

            for (int t = 0; t < tensors; t++)
            {
                _mergedStrides[count - 1, t] = strides[t][axis];
            }
        }

        if (count == 0)
        {
            _merged[count++] = 1;
            for (int t = 0; t < tensors; t++)
            {
                _mergedStrides[0, t] = 1;
            }
        }

        return count;
    }

    private bool RunsOn(int last, long dim, int axis, ReadOnlySpan<long[]> strides)
    {
        for (int t = 0; t < tensors; t++)
        {
            if (_mergedStrides[last, t] != strides[t][axis] * dim)
            {
                return false;
            }
        }

        return true;
    }
}
