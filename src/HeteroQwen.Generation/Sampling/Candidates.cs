namespace HeteroQwen.Generation;

/// <summary>
/// The tokens that are still in the draw, always in order of ids, so that cutting off the last of several equal ones keeps the
/// lower ids. Where to cut is found by counting digits of the scores from the top (a radix select): a few passes, and no sorting.
/// </summary>
internal sealed class Candidates
{
    private const int DigitBits = 11;
    private readonly int _most;
    private readonly int[] _ids;
    private readonly uint[] _keys;
    private readonly double[] _weights;
    private readonly double[] _histogram = new double[1 << DigitBits];

    /// <summary>Makes room.</summary>
    /// <param name="vocabSize">Tokens there are.</param>
    /// <param name="most">How many of the best come into the draw at all.</param>
    public Candidates(int vocabSize, int most)
    {
        // Cutting whenever the room is full leaves out most of a large vocabulary after one comparison.
        int room = (int)Math.Min(Math.Max(4L * most, 1024), vocabSize);
        (_most, _ids, _keys, _weights) = (most, new int[room], new uint[room], new double[room]);
    }

    public int Count { get; private set; }

    /// <summary>Begins anew with the best that are not -inf.</summary>
    public void Load(ReadOnlySpan<float> scores)
    {
        float threshold = float.NegativeInfinity;
        Count = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            // Not even an equal one could stay, since its id is higher than that of all before.
            if (!(scores[i] > threshold))
            {
                continue;
            }

            _ids[Count] = i;
            _keys[Count] = KeyOf(scores[i]);
            Count++;
            if (Count == _ids.Length)
            {
                threshold = KeepMost() ?? threshold;
            }
        }

        KeepMost();
    }

    /// <summary>Cuts down to what may come into the draw; returns the least score left, or null where there was nothing to cut.</summary>
    private float? KeepMost()
    {
        if (Count <= _most)
        {
            return null;
        }

        _weights.AsSpan(0, Count).Fill(1);
        return ScoreOf(KeepBest(_most));
    }

    /// <summary>Weights in proportion to the probabilities, e^((score - best) / temperature).</summary>
    public void Weigh(float best, double temperature)
    {
        for (int i = 0; i < Count; i++)
        {
            _weights[i] = Math.Exp(((double)ScoreOf(_keys[i]) - best) / temperature);
        }
    }

    /// <summary>Keeps the fewest of the best that have at least this share of the weight.</summary>
    public void KeepShare(double share) => KeepBest(Math.Max(share * Total(), double.Epsilon));

    /// <summary>Keeps those of at least this weight; the best have weight 1.</summary>
    public void KeepHeavy(double least)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_weights[i] >= least)
            {
                Move(i, kept++);
            }
        }

        Count = kept;
    }

    /// <summary>The token at a point of [0, 1) on the line of weights.</summary>
    public int Pick(double unit)
    {
        double target = unit * Total();
        double sum = 0;
        int last = 0;
        for (int i = 0; i < Count; i++)
        {
            sum += _weights[i];
            if (sum > target)
            {
                return _ids[i];
            }

            last = _weights[i] > 0 ? i : last;
        }

        // Only rounding of the target can lead here.
        return _ids[last];
    }

    private double Total()
    {
        double total = 0;
        foreach (double weight in _weights.AsSpan(0, Count))
        {
            total += weight;
        }

        return total;
    }

    /// <summary>Keeps the fewest of the best whose weights sum to the target, which is above 0. Returns the key of the last.</summary>
    private uint KeepBest(double target)
    {
        ulong prefix = 0;
        double above = 0;
        for (int shift = 32; shift > 0;)
        {
            int bits = Math.Min(DigitBits, shift);
            Tally(prefix, shift, bits);
            shift -= bits;
            (uint digit, above) = Crossing(1 << bits, above, target);
            prefix = (prefix << bits) | digit;
        }

        Cut((uint)prefix, above, target);
        return (uint)prefix;
    }

    /// <summary>
    /// The digit with which the sum reaches the target, and the sum above it. Where rounding leaves the sum short of it, that is the
    /// last digit with any weight.
    /// </summary>
    private (uint Digit, double Above) Crossing(int digits, double sum, double target)
    {
        (uint Digit, double Above) crossing = (0, sum);
        for (int digit = digits - 1; digit >= 0 && sum < target; digit--)
        {
            if (_histogram[digit] > 0)
            {
                crossing = ((uint)digit, sum);
                sum += _histogram[digit];
            }
        }

        return crossing;
    }

    /// <summary>Weights by the next digit of the keys that begin with a prefix.</summary>
    private void Tally(ulong prefix, int shift, int bits)
    {
        Array.Clear(_histogram);
        int mask = (1 << bits) - 1;
        for (int i = 0; i < Count; i++)
        {
            ulong key = _keys[i];
            if (key >> shift == prefix)
            {
                _histogram[(int)(key >> (shift - bits)) & mask] += _weights[i];
            }
        }
    }

    /// <summary>Keeps what is above the last key, and of those that have it as many as it takes from a sum to the target.</summary>
    private void Cut(uint last, double sum, double target)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            bool isTie = _keys[i] == last;
            if (_keys[i] > last || (isTie && sum < target))
            {
                sum += isTie ? _weights[i] : 0;
                Move(i, kept++);
            }
        }

        Count = kept;
    }

    private void Move(int from, int to) => (_ids[to], _keys[to], _weights[to]) = (_ids[from], _keys[from], _weights[from]);

    /// <summary>Bits that compare as the scores do. Adding 0 makes the two zeros one.</summary>
    private static uint KeyOf(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (int)bits < 0 ? ~bits : bits | 0x8000_0000;
    }

    private static float ScoreOf(uint key) => BitConverter.UInt32BitsToSingle((int)key < 0 ? key & 0x7fff_ffff : ~key);
}
