using System.Runtime.InteropServices;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>
/// The tiles of AMX, palette 1: 8 tiles of up to 16 rows of 64 bytes. A load whose rows do not lie on cache lines is refused: it is
/// right on the hardware, but several times slower.
/// </summary>
internal sealed class TileUnit(Machine machine)
{
    private const int Tiles = 8;
    private const int MostRows = 16;
    private const int RowBytes = 64;
    private const int ConfigurationBytes = 64;

    private readonly byte[][] _tiles = [.. Enumerable.Range(0, Tiles).Select(_ => new byte[MostRows * RowBytes])];
    private readonly int[] _rows = new int[Tiles];
    private readonly int[] _bytes = new int[Tiles];

    /// <summary>A configuration is loaded.</summary>
    public bool InUse { get; private set; }

    public bool Execute(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Ldtilecfg:
                Configure(machine.Address(i));
                return true;
            case Mnemonic.Tilerelease:
                InUse = false;
                return true;
            case Mnemonic.Tilezero:
                Tile(i.Op0Register);
                _tiles[i.Op0Register - Register.TMM0].AsSpan().Clear();
                return true;
            case Mnemonic.Tileloadd:
                Load(i);
                return true;
            case Mnemonic.Tilestored:
                Store(i);
                return true;
            case Mnemonic.Tdpbf16ps:
                Product(i);
                return true;
            default:
                return false;
        }
    }

    private int Tile(Register register) =>
        InUse && _rows[register - Register.TMM0] > 0 ? register - Register.TMM0 : throw new RefusedException($"uses {register} unconfigured");

    private void Configure(ulong address)
    {
        Span<byte> configuration = stackalloc byte[ConfigurationBytes];
        machine.Read(address, configuration);
        bool sound = configuration[0] == 1 && configuration[1] == 0 && !configuration[2..16].ContainsAnyExcept((byte)0)
            && !configuration[(16 + (2 * Tiles))..48].ContainsAnyExcept((byte)0) && !configuration[(48 + Tiles)..].ContainsAnyExcept((byte)0);
        for (int t = 0; t < Tiles; t++)
        {
            _bytes[t] = BitConverter.ToUInt16(configuration[(16 + (2 * t))..]);
            _rows[t] = configuration[48 + t];
            sound &= _bytes[t] <= RowBytes && _rows[t] <= MostRows && (_rows[t] == 0) == (_bytes[t] == 0);
            _tiles[t].AsSpan().Clear();
        }

        InUse = sound ? true : throw new RefusedException("loads a tile configuration that faults");
    }

    private void Load(in Instruction i)
    {
        int t = Tile(i.Op0Register);
        _tiles[t].AsSpan().Clear();
        for (int row = 0; row < _rows[t]; row++)
        {
            ulong from = Row(i, row);
            if (from % RowBytes != 0)
            {
                throw new RefusedException($"loads a tile whose rows cross cache lines: {i}");
            }

            machine.Memory.Read(from, _tiles[t].AsSpan(row * RowBytes, _bytes[t]));
        }
    }

    private void Store(in Instruction i)
    {
        int t = Tile(i.Op1Register);
        for (int row = 0; row < _rows[t]; row++)
        {
            machine.Memory.Write(Row(i, row), _tiles[t].AsSpan(row * RowBytes, _bytes[t]));
        }
    }

    /// <summary>Rows lie apart by the index times its scale.</summary>
    private ulong Row(in Instruction i, int row)
    {
        ulong stride = i.MemoryIndex == Register.None ? 0 : unchecked(machine.General.Read(i.MemoryIndex) * (ulong)i.MemoryIndexScale);
        return unchecked(machine.General.Read(i.MemoryBase) + i.MemoryDisplacement64 + ((ulong)row * stride));
    }

    /// <summary>C += A B: even and odd elements of k summed apart in ascending order, from zero, then both onto C.</summary>
    private void Product(in Instruction i)
    {
        (int c, int a, int b) = (Tile(i.Op0Register), Tile(i.Op1Register), Tile(i.Op2Register));
        if (c == a || c == b || a == b || _rows[c] != _rows[a] || _bytes[c] != _bytes[b] || _bytes[a] / 4 != _rows[b])
        {
            throw new RefusedException($"multiplies tiles that are the same or do not fit: {i}");
        }

        Span<uint> left = MemoryMarshal.Cast<byte, uint>(_tiles[a].AsSpan());
        Span<uint> right = MemoryMarshal.Cast<byte, uint>(_tiles[b].AsSpan());
        Span<uint> sums = MemoryMarshal.Cast<byte, uint>(_tiles[c].AsSpan());
        for (int m = 0; m < _rows[c]; m++)
        {
            for (int n = 0; n < _bytes[c] / 4; n++)
            {
                (uint even, uint odd) = (0, 0);
                for (int k = 0; k < _rows[b]; k++)
                {
                    (uint x, uint w) = (left[(m * 16) + k], right[(k * 16) + n]);
                    even = BrainArithmetic.Fma(x << 16, w << 16, even);
                    odd = BrainArithmetic.Fma(x & 0xFFFF_0000, w & 0xFFFF_0000, odd);
                }

                sums[(m * 16) + n] = BrainArithmetic.Add(sums[(m * 16) + n], BrainArithmetic.Add(even, odd));
            }
        }
    }
}
