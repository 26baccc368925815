namespace HeteroQwen.Backends.Reference;

/// <summary>Rows of f64 that a kernel works in, kept from launch to launch. A kernel numbers those that it uses at one time.</summary>
internal sealed class Scratch
{
    private readonly List<double[]> _doubles = [];
    private long[] _integers = [];

    public Span<double> Doubles(int number, long length)
    {
        while (_doubles.Count <= number)
        {
            _doubles.Add([]);
        }

        if (_doubles[number].Length < length)
        {
            _doubles[number] = new double[length];
        }

        return _doubles[number].AsSpan(0, (int)length);
    }

    public Span<long> Integers(long length)
    {
        if (_integers.Length < length)
        {
            _integers = new long[length];
        }

        return _integers.AsSpan(0, (int)length);
    }
}
