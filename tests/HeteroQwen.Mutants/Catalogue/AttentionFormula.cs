namespace HeteroQwen.Mutants;

/// <summary>Attention over the paged pool, term by term, for faults that no operand shows.</summary>
internal sealed class AttentionFormula(Launch launch)
{
    private readonly Tensor _q = launch.In(0), _k = launch.In(1), _v = launch.In(2), _sequence = launch.In(3), _position = launch.In(4);
    private readonly Tensor _table = launch.In(7), _out = launch.Out();
    private readonly long _window = launch.Op.Attributes.Int64("window");
    private readonly double _scale = launch.Op.Attributes.Float64("scale");

    public long Page { get; } = launch.Op.Attributes.Int64("page");

    public long Slots => _k.Dims[0];

    public long Tokens => _q.Dims[0];

    public long Position(long token) => (long)_position[token];

    public long First(long token) => _window == 0 ? 0 : Math.Max(0, Position(token) - _window + 1);

    public long Slot(long token, long entry) => ((long)_table[(long)_sequence[token], entry / Page] * Page) + (entry % Page);

    /// <summary>The fault by which tokens that meet a condition read another slot for an entry; -1 for none at all.</summary>
    public static Fault Fault(Func<AttentionFormula, long, bool> concerns, Func<AttentionFormula, long, long, long> slot) => new()
    {
        After = launch =>
        {
            // The blocks of a Q8_0 pool are not read one by one.
            if (launch.Op.Operands[1].Element < Ir.ElementType.Q8_0)
            {
                AttentionFormula formula = new(launch);
                formula.Run(t => concerns(formula, t), (t, e) => slot(formula, t, e), scores => Softmax(scores));
            }
        },
    };

    /// <summary>The fault by which the weights come otherwise from the scores.</summary>
    public static Fault Fault(Action<double[]> weigh) => new()
    {
        After = launch =>
        {
            if (launch.Op.Operands[1].Element < Ir.ElementType.Q8_0)
            {
                AttentionFormula formula = new(launch);
                formula.Run(_ => true, formula.Slot, weigh);
            }
        },
    };

    public static void Softmax(double[] scores)
    {
        double most = scores.Max();
        double sum = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            sum += scores[i] = Math.Exp(scores[i] - most);
        }

        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] /= sum;
        }
    }

    private void Run(Func<long, bool> concerns, Func<long, long, long> slot, Action<double[]> weigh)
    {
        for (long token = 0; token < Tokens; token++)
        {
            if (!concerns(token))
            {
                continue;
            }

            long t = token;
            long[] slots =
                [.. Enumerable.Range((int)First(t), (int)(Position(t) - First(t)) + 1).Select(e => slot(t, e)).Where(s => s >= 0)];
            for (long head = 0; head < _q.Dims[1]; head++)
            {
                Attend((token * _q.Dims[1]) + head, head / (_q.Dims[1] / _k.Dims[1]), slots, weigh);
            }
        }
    }

    private void Attend(long row, long kvHead, long[] slots, Action<double[]> weigh)
    {
        double[] weights = new double[slots.Length];
        for (int i = 0; i < slots.Length; i++)
        {
            long key = (slots[i] * _k.Dims[1]) + kvHead;
            for (long d = 0; d < _q.Last; d++)
            {
                weights[i] += _scale * _q[row, d] * _k[key, d];
            }
        }

        weigh(weights);
        for (long d = 0; d < _q.Last; d++)
        {
            double sum = 0;
            for (int i = 0; i < slots.Length; i++)
            {
                sum += weights[i] * _v[(slots[i] * _v.Dims[1]) + kvHead, d];
            }

            _out[row, d] = (float)sum;
        }
    }
}
