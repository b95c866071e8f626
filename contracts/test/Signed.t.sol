// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IParticipation} from "../src/IParticipation.sol";
import {Signed} from "../src/Signed.sol";
import {Test} from "./Test.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @notice Signed.sol gives the same results as OpenZeppelin's ECDSA for valid signatures, high s and random
/// input.
contract SignedTest is Test {
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    function testFuzz_digest_equalsOpenZeppelin(bytes32 domain, bytes32 structHash) public pure {
        assertEq(
            Signed.digest(domain, structHash), MessageHashUtils.toTypedDataHash(domain, structHash), "digest"
        );
    }

    function testFuzz_signer_recoversAddressOfKey(uint256 seed, bytes32 hash) public view {
        uint256 k = boundPrivateKey(seed);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(k, hash);
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        assertEq(Signed.signer(hash, r, vs), vm.addr(k), "signer");
    }

    function testFuzz_signer_equalsOpenZeppelinOnRandomInput(bytes32 hash, bytes32 r, bytes32 vs)
        public
        view
    {
        (address expected,,) = ECDSA.tryRecover(hash, r, vs);
        assertEq(Signed.signer(hash, r, vs), expected, "signer");
    }

    function testFuzz_signer_equalsOpenZeppelinNearHalfOrder(bytes32 hash, bytes32 r, bool parity, uint8 near)
        public
        view
    {
        uint256 s = HALF_ORDER - 128 + near;
        bytes32 vs = bytes32(s | (uint256(parity ? 1 : 0) << 255));
        (address expected,,) = ECDSA.tryRecover(hash, r, vs);
        assertEq(Signed.signer(hash, r, vs), expected, "signer");
        if (s > HALF_ORDER) assertEq(expected, address(0), "high s");
    }

    function test_signer_returnsZeroForZeroSignature() public view {
        assertEq(Signed.signer(0, 0, 0), address(0), "zeros");
    }

    /// @dev Bytes that earlier calls left in scratch memory must not be returned.
    function testFuzz_signer_ignoresScratchMemory(bytes32 junk, bytes32 hash) public view {
        address found;
        assembly ("memory-safe") {
            mstore(0x00, junk)
        }
        found = Signed.signer(hash, 0, 0);
        assertEq(found, address(0), "no key has r = 0");
    }

    // ------------------------------------------------------------ attesters

    function testFuzz_attesters_equalsSignerOfEachEntry(
        bytes32 domain,
        bytes32 typeHash,
        uint64 swarm,
        uint64 round,
        uint256 seed,
        uint8 count
    ) public view {
        IParticipation.SignedAttestation[] memory entries = new IParticipation.SignedAttestation[](count % 9);
        address[] memory expected = new address[](entries.length);
        for (uint256 i; i < entries.length; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            entries[i] = signed(domain, typeHash, swarm, round, boundPrivateKey(draw));
            if (draw % 5 == 0) entries[i].device = address(uint160(draw));
            if (draw % 5 == 1) entries[i].checkpointRoot ^= bytes32(uint256(1) << (draw >> 248));
            // A high s, which has the highest bit of its 255.
            if (draw % 5 == 2) entries[i].vs |= bytes32(uint256(1) << 254);
            if (draw % 5 == 3) (entries[i].device, entries[i].r) = (address(0), 0);
            bytes32 digest =
                MessageHashUtils.toTypedDataHash(domain, hashOf(typeHash, swarm, round, entries[i]));
            (address found,,) = ECDSA.tryRecover(digest, entries[i].r, entries[i].vs);
            if (found == entries[i].device) expected[i] = found;
        }
        address[] memory devices = this.attesters(domain, typeHash, swarm, round, entries);
        assertEq(devices.length, expected.length, "as many as entries");
        for (uint256 i; i < entries.length; ++i) {
            assertEq(devices[i], expected[i], "device");
        }
    }

    /// @dev 255 bits hold no higher s than the few above half the order, for which the precompile still finds
    /// a signer.
    function testFuzz_attesters_skipsHighSNearHalfOrder(uint256 seed, bytes32 domain, uint8 near)
        public
        view
    {
        IParticipation.SignedAttestation[] memory entries = new IParticipation.SignedAttestation[](1);
        entries[0] = signed(domain, "type", 3, 7, boundPrivateKey(seed));
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, hashOf("type", 3, 7, entries[0]));
        uint256 s = HALF_ORDER - 128 + near;
        entries[0].vs = bytes32(s);
        entries[0].device = ecrecover(digest, 27, entries[0].r, bytes32(s));
        vm.assume(entries[0].device != address(0));
        address expected = s > HALF_ORDER ? address(0) : entries[0].device;
        assertEq(this.attesters(domain, "type", 3, 7, entries)[0], expected, "device");
    }

    /// @dev A call of its own, because the library reads calldata.
    function attesters(
        bytes32 domain,
        bytes32 typeHash,
        uint64 swarm,
        uint64 round,
        IParticipation.SignedAttestation[] calldata entries
    ) external view returns (address[] memory) {
        return Signed.attesters(domain, typeHash, swarm, round, entries);
    }

    function signed(bytes32 domain, bytes32 typeHash, uint64 swarm, uint64 round, uint256 k)
        private
        pure
        returns (IParticipation.SignedAttestation memory entry)
    {
        entry.device = vm.addr(k);
        entry.checkpointRoot = keccak256(abi.encode(k, "root"));
        entry.rolloutDigest = keccak256(abi.encode(k, "rollouts"));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(k, MessageHashUtils.toTypedDataHash(domain, hashOf(typeHash, swarm, round, entry)));
        entry.r = r;
        entry.vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
    }

    function hashOf(
        bytes32 typeHash,
        uint64 swarm,
        uint64 round,
        IParticipation.SignedAttestation memory entry
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(typeHash, swarm, round, entry.checkpointRoot, entry.rolloutDigest));
    }
}
