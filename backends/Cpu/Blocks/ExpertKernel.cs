using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// The experts of a mixture: out[t] = sum over j in order of weights[t, j] * down[e] . (silu(gate[e] . h[t]) * (up[e] . h[t])),
/// e = index[t, j]. The pairs (t, j) are sorted by expert and their rows copied together, so that each chosen expert is read once and the
/// others not at all. Five passes: the copies (a unit is a pair); tiles of gate and up, then swiglu (32 columns of an expert); the
/// hidden layer into prepared rows (a pair); tiles of down (32 columns of an expert); the weighted sum (a token). The small passes of
/// one token are done by the caller alone, so that a step of decoding waits for the others twice.
/// <para>Workspace, rows in sorted order: prepared rows of h, hidden [pairs, F], prepared rows of it, outputs [pairs, K].
/// Scratch: two tiles, or a row of the sum.</para>
/// </summary>
internal abstract unsafe class ExpertKernel : PackedKernel
{
    private readonly int _gate;
    private readonly Work _gather;
    private readonly Work _gateUp;
    private readonly Work _fillHidden;
    private readonly Work _down;
    private readonly Work _combine;
    private readonly ExpertGroups _groups;
    private readonly PreparedRows _input;
    private readonly PreparedRows _hiddenRows;
    private Launched _launch;
    private float* _hidden;
    private float* _outputs;

    /// <param name="op">The op.</param>
    /// <param name="constants">Its constants.</param>
    /// <param name="pool">The device's workers.</param>
    /// <param name="gate">Operand gate; up and down follow.</param>
    /// <param name="k">Experts of a token.</param>
    protected ExpertKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool, int gate, long k)
        : base(op, constants, pool)
    {
        (_gather, _gateUp, _fillHidden, _down, _combine) = (Gather, GateUp, FillHidden, MultiplyDown, Combine);
        _gate = gate;
        K = checked((int)k);
        _input = new PreparedRows(Hidden, Gate.Product, Up.Product);
        _hiddenRows = new PreparedRows(Gate.Columns, Down.Product);
        _groups = Guarded(() => new ExpertGroups(checked(Most(op, 0, 0) * k), Gate.Matrices));
    }

    /// <summary>Experts of a token.</summary>
    protected int K { get; }

    /// <summary>Elements of a row of h and of the result.</summary>
    protected long Hidden => Gate.Length;

    protected PackedWeight Gate => Weights[_gate]!;

    protected PackedWeight Up => Weights[_gate + 1]!;

    protected PackedWeight Down => Weights[_gate + 2]!;

    /// <summary>Memory that a worker needs for the experts.</summary>
    protected long ExpertScratch => Floats(Math.Max(Hidden, 2 * PackedWeight.TileElements(checked(Most(Op, 0, 0) * K))));

    /// <summary>Memory for the experts of so many tokens; monotone.</summary>
    protected long ExpertBytes(long tokens)
    {
        long pairs = checked(tokens * K);
        return checked(_input.Bytes(pairs) + HiddenBytes(pairs) + _hiddenRows.Bytes(pairs) + Floats(pairs * Hidden));
    }

    /// <summary>Computes the results of all tokens; indices are in range.</summary>
    protected void RunExperts(in Launched launch, byte* workspace)
    {
        _launch = launch;
        int pairs = launch.Tokens * K;
        _groups.Sort(launch.Index, pairs);
        _input.Bind(pairs, workspace, pairs);
        _hidden = (float*)(workspace + _input.Bytes(pairs));
        byte* hiddenRows = (byte*)_hidden + HiddenBytes(pairs);
        _hiddenRows.Bind(pairs, hiddenRows, pairs);
        _outputs = (float*)(hiddenRows + _hiddenRows.Bytes(pairs));
        long rows = Math.Max(1, pairs / _groups.Count);
        Pool.Run(_gather, pairs, Hidden / 8);
        Pool.Run(_gateUp, _groups.Count * Gate.Tiles, Gate.TileCost(rows) + Up.TileCost(rows));
        Pool.Run(_fillHidden, pairs, Gate.Columns);
        Pool.Run(_down, _groups.Count * Down.Tiles, Down.TileCost(rows));
        Pool.Run(_combine, launch.Tokens, K * Hidden / 8);
    }

    private long HiddenBytes(long pairs) => Aligned(Floats(checked(pairs * Gate.Columns)));

    private void Gather(int worker, long begin, long end)
    {
        for (long place = begin; place < end; place++)
        {
            _input.Copy(place, _launch.Rows, _groups.PairAt(place) / K);
        }
    }

    private void GateUp(int worker, long begin, long end)
    {
        (ActivationRows forGate, ActivationRows forUp) = (_input.For(Gate.Product), _input.For(Up.Product));
        for (long unit = begin; unit < end; unit++)
        {
            (long group, long tile) = Math.DivRem(unit, Gate.Tiles);
            (int expert, int first, int count) = _groups.Group(group);
            float* to = _hidden + (first * Gate.Columns);
            Up.SwiGlu(
                Gate, forGate.Slice(first, count), forUp.Slice(first, count), expert, tile, to, (float*)OwnScratch(worker), ProductScratch(worker));
        }
    }

    private void FillHidden(int worker, long begin, long end)
    {
        for (long place = begin; place < end; place++)
        {
            _hiddenRows.Fill(place, _hidden + (place * Gate.Columns));
        }
    }

    private void MultiplyDown(int worker, long begin, long end)
    {
        ActivationRows rows = _hiddenRows.For(Down.Product);
        for (long unit = begin; unit < end; unit++)
        {
            (long group, long tile) = Math.DivRem(unit, Down.Tiles);
            (int expert, int first, int count) = _groups.Group(group);
            float* to = _outputs + (first * Hidden) + (tile * PackedWeight.TileColumns);
            Down.Multiply(rows.Slice(first, count), expert, tile, to, Hidden, ProductScratch(worker));
        }
    }

    private void Combine(int worker, long begin, long end)
    {
        float* sum = (float*)OwnScratch(worker);
        for (long token = begin; token < end; token++)
        {
            new Span<float>(sum, checked((int)Hidden)).Clear();
            for (long pair = token * K; pair < (token + 1) * K; pair++)
            {
                Products.Accumulate(_outputs + (_groups.PlaceOf(pair) * Hidden), _launch.Weights[pair], Hidden, sum);
            }

            float* y = _launch.Y + (token * Hidden);
            if (_launch.Residual == null)
            {
                Buffer.MemoryCopy(sum, y, Hidden * sizeof(float), Hidden * sizeof(float));
            }
            else
            {
                Lanes.Add(_launch.Residual + (token * Hidden), sum, y, Hidden);
            }
        }
    }

    /// <summary>What the experts of a launch work on.</summary>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="index">[tokens, k].</param>
    /// <param name="weights">[tokens, k].</param>
    /// <param name="rows">Prepared rows of h, for gate and up.</param>
    /// <param name="residual">[tokens, K] to be added, or null.</param>
    /// <param name="y">The result [tokens, K]; it may be what is added.</param>
    protected readonly struct Launched(int tokens, int* index, float* weights, PreparedRows rows, float* residual, float* y)
    {
        public readonly int Tokens = tokens;
        public readonly int* Index = index;
        public readonly float* Weights = weights;
        public readonly PreparedRows Rows = rows;
        public readonly float* Residual = residual;
        public readonly float* Y = y;
    }
}
