namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// The pairs (token, j) of a launch sorted by expert, so that an expert's rows are widened once for all its tokens; and the product
/// of each pair with its expert's matrix.
/// </summary>
internal sealed unsafe class ExpertGroups
{
    private readonly int[] _pairs;
    private readonly int[] _starts;
    private readonly int[] _experts;
    private readonly int[] _places;

    /// <exception cref="OverflowException">The numbers are absurd.</exception>
    public ExpertGroups(long mostPairs, long experts)
    {
        _pairs = new int[checked((int)mostPairs)];
        _starts = new int[checked((int)experts + 1)];
        _experts = new int[checked((int)experts)];
        _places = new int[_pairs.Length];
    }

    /// <summary>Experts that have a pair.</summary>
    public int Count { get; private set; }

    /// <summary>Pairs of the launch.</summary>
    public int Pairs { get; private set; }

    /// <summary>The expert of a group, and the places of its pairs in the sorted order: first .. first + count - 1.</summary>
    public (int Expert, int First, int Count) Group(long group)
    {
        int expert = _experts[group];
        return (expert, _starts[expert], _starts[expert + 1] - _starts[expert]);
    }

    /// <summary>The pair at a place of the sorted order.</summary>
    public int PairAt(long place) => _pairs[place];

    /// <summary>The place of a pair in the sorted order.</summary>
    public int PlaceOf(long pair) => _places[pair];

    /// <summary>Sorts the pairs by expert, those of one expert in their own order. Indices are in range.</summary>
    public void Sort(int* index, int pairs)
    {
        Pairs = pairs;
        Count = 0;
        Array.Clear(_starts);
        for (int i = 0; i < pairs; i++)
        {
            _starts[index[i] + 1]++;
        }

        for (int e = 0; e < _experts.Length; e++)
        {
            if (_starts[e + 1] > 0)
            {
                _experts[Count++] = e;
            }

            _starts[e + 1] += _starts[e];
        }

        // Filling moves each start to the next one's place; the shift below moves them back.
        for (int i = 0; i < pairs; i++)
        {
            _places[i] = _starts[index[i]]++;
            _pairs[_places[i]] = i;
        }

        for (int e = _experts.Length; e > 0; e--)
        {
            _starts[e] = _starts[e - 1];
        }

        _starts[0] = 0;
    }

    /// <summary>
    /// One unit: y[pair, 4 block ..] = weights[expert] . x for the pairs of an expert; unit = group * blocks + block.
    /// </summary>
    /// <param name="unit">Number of the unit.</param>
    /// <param name="weights">[E, N, K].</param>
    /// <param name="x">Rows of activations.</param>
    /// <param name="y">[pairs, N].</param>
    /// <param name="scratch">The worker's memory.</param>
    public void Multiply(long unit, TensorView weights, in ExpertRows x, float* y, float* scratch)
    {
        (long columns, long length) = (weights.Dims[1], weights.Dims[2]);
        (long group, long block) = Math.DivRem(unit, RowBlocks.Blocks(columns));
        int expert = _experts[group];
        long column = block * RowBlock.Most;
        int count = (int)Math.Min(RowBlock.Most, columns - column);
        RowBlock rows = RowBlocks.Load(weights, (expert * columns) + column, count, scratch);
        float* first = RowBlocks.Activation(scratch, length, 0);
        float* second = RowBlocks.Activation(scratch, length, 1);
        for (int i = _starts[expert]; i < _starts[expert + 1]; i += 2)
        {
            int pair = _pairs[i];
            float* to = y + (pair * columns) + column;
            if (i + 1 < _starts[expert + 1])
            {
                int next = _pairs[i + 1];
                Products.Two(rows, length, x.Row(pair, first), x.Row(next, second), to, y + (next * columns) + column);
            }
            else
            {
                Products.One(rows, length, x.Row(pair, first), to);
            }
        }
    }
}

/// <summary>Where a pair's activations lie: in row pair / <paramref name="divisor"/> of a tensor, or of dense memory.</summary>
internal readonly unsafe struct ExpertRows(TensorView? view, float* data, long length, int divisor)
{
    public float* Row(int pair, float* scratch) =>
        view is null ? data + (pair / divisor * length) : view.FloatRow(pair / divisor, scratch);
}
