// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {ISwarms} from "../src/ISwarms.sol";
import {RoundTree} from "./RoundTree.sol";
import {Signing} from "./Signing.sol";

/// @notice Gas of Identity and Participation, compared with snapshots/. Runs with --isolate, so that every
/// call is a transaction of its own, with intrinsic gas, calldata and cold storage.
contract GasTest is Signing, RoundTree {
    bytes32 private constant ROOT = keccak256("root");
    bytes32 private constant ROLLOUTS = keccak256("rollouts");
    uint256 private constant OWNER = 0xA11CE;

    IIdentity private identity;
    IParticipation private participation;
    uint256 private genesis = 1_800_000_000;

    function setUp() public {
        vm.warp(genesis);
        identity = deployIdentity();
        participation = deployParticipation(identity);
    }

    function test_gas_attestBatch() public {
        participation.attestBatch(0, 0, batch(0));
        vm.snapshotGasLastCall("Participation", "attestBatch of 64, first time for each device");
        vm.warp(genesis + 20);
        participation.attestBatch(0, 1, batch(1));
        uint256 unowned = vm.snapshotGasLastCall("Participation", "attestBatch of 64");
        for (uint256 i; i < 64; ++i) {
            bindDevice(identity, 0xA000 + i, 0xD000 + i);
        }
        vm.warp(genesis + 40);
        participation.attestBatch(0, 2, batch(2));
        uint256 owned = vm.snapshotGasLastCall("Participation", "attestBatch of 64, devices with owners");
        assertLe(unowned, 17_000 * 64, "at most 17,000 an attestation");
        assertLe(owned, 17_000 * 64, "at most 17,000 an attestation of an owned device");
    }

    /// @dev Once in 64 rounds an attestation also writes down the page before, four pages to a word. The bar
    /// holds for the mean over all rounds.
    function test_gas_attestBatchOfNewPage() public {
        for (uint256 i; i < 64; ++i) {
            bindDevice(identity, 0xA000 + i, 0xD000 + i);
        }
        uint256[5] memory gas;
        for (uint64 i; i < 5; ++i) {
            vm.warp(genesis + 20 * (64 * uint256(i) + 62));
            participation.attestBatch(0, 64 * i + 62, batch(64 * i + 62));
            vm.warp(genesis + 20 * (64 * uint256(i) + 64));
            participation.attestBatch(0, 64 * i + 64, batch(64 * i + 64));
            gas[i] = vm.snapshotGasLastCall(
                "Participation",
                i % 4 == 0
                    ? "attestBatch of 64, after the first page of four"
                    : "attestBatch of 64, after another page"
            );
        }
        vm.warp(genesis + 20 * 322);
        participation.attestBatch(0, 322, batch(322));
        uint256 usual = vm.snapshotGasLastCall("Participation", "attestBatch of 64, within a page");
        // The fifth page is the first of the second word.
        uint256 rounds256 = gas[4] + gas[1] + gas[2] + gas[3] + 252 * usual;
        assertLe(rounds256, 256 * 64 * 17_000, "at most 17,000 an attestation, in the mean");
    }

    /// @dev A specification of 1,500 bytes, as the default swarm has, and the longest.
    function test_gas_open() public {
        ISwarms swarms = participation.swarms();
        swarms.open(nonZero(1500), 8, 5, 7);
        vm.snapshotGasLastCall("Swarms", "open, specification of 1,500 bytes");
        swarms.open(nonZero(16_384), 8, 5, 7);
        vm.snapshotGasLastCall("Swarms", "open, specification of 16,384 bytes");
    }

    function nonZero(uint256 size) private pure returns (bytes memory spec) {
        spec = new bytes(size);
        for (uint256 i; i < size; ++i) {
            spec[i] = 0xA5;
        }
    }

    function test_gas_postRoot() public {
        IParticipation.SignedAttestation[] memory entries = batch(0);
        participation.postRoot(0, 0, rootOf(entries), 64);
        uint256 gas = vm.snapshotGasLastCall("Participation", "postRoot, whatever its size");
        assertLe(gas, 70_000, "at most 70,000 a round");
        IParticipation.SignedAttestation[] memory one = new IParticipation.SignedAttestation[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        (one[0], proofs[0]) = (entries[5], proofOf(entries, 5));
        participation.attestFromRoot(0, 0, rootOf(entries), one, proofs);
        vm.snapshotGasLastCall("Participation", "attestFromRoot of one in 64, first time for the device");
        (one[0], proofs[0]) = (entries[6], proofOf(entries, 6));
        IParticipation.SignedAttestation memory other =
            signedAttestation(address(participation), 0xD000 + 7, 0, ROOT, ROLLOUTS);
        participation.contradict(0, 0, entries[7], other);
        vm.snapshotGasLastCall("Participation", "contradict, first time for the device");
        vm.warp(genesis + 20 * 300);
        participation.attestBatch(0, 300, batch(300));
        participation.attestFromRoot(0, 0, rootOf(entries), one, proofs);
        vm.snapshotGasLastCall("Participation", "attestFromRoot of one in 64, from before a counted round");
    }

    function test_gas_attest() public {
        participation.attest(0, 0, ROOT, ROLLOUTS);
        vm.snapshotGasLastCall("Participation", "attest, first time for the device");
        vm.warp(genesis + 20);
        participation.attest(0, 1, ROOT, ROLLOUTS);
        vm.snapshotGasLastCall("Participation", "attest");
    }

    function test_gas_voteBatch() public {
        participation.attestBatch(0, 0, batch(0));
        address[] memory winners = new address[](4);
        for (uint256 i; i < 4; ++i) {
            winners[i] = vm.addr(0xD000 + i);
        }
        for (uint256 i = 1; i < 4; ++i) {
            for (uint256 j = i; j > 0 && winners[j] < winners[j - 1]; --j) {
                (winners[j], winners[j - 1]) = (winners[j - 1], winners[j]);
            }
        }
        IParticipation.SignedVote[] memory votes = new IParticipation.SignedVote[](64);
        for (uint256 i; i < 64; ++i) {
            votes[i] = signedVote(address(participation), 0xD000 + i, 0, winners);
        }
        participation.voteBatch(0, votes);
        vm.snapshotGasLastCall("Participation", "voteBatch of 64, four winners each");
    }

    function test_gas_identity() public {
        bindDevice(identity, OWNER, 0xD000);
        vm.snapshotGasLastCall("Identity", "bind");
        (bytes32 x, bytes32 y) = publicKey(0xD100);
        identity.register(x, y);
        vm.snapshotGasLastCall("Identity", "register");
        bindDevice(identity, OWNER, 0xD001);
        vm.snapshotGasLastCall("Identity", "bind, another device");
        (IIdentity.Delegation memory d, bytes32 u, bytes32 v) = delegation(identity, vm.addr(OWNER), 0xD002);
        d.replaces = vm.addr(0xD001);
        postBinding(identity, OWNER, 0xD002, d, u, v);
        vm.snapshotGasLastCall("Identity", "bind, replaces a device");
        bindDevice(identity, OWNER, 0xD002);
        vm.snapshotGasLastCall("Identity", "bind, renews");
        vm.prank(vm.addr(0xD002));
        identity.endSession();
        vm.snapshotGasLastCall("Identity", "endSession");
        bytes32 end =
            endDigest(address(identity), vm.addr(OWNER), 0, identity.bindingOf(vm.addr(0xD000)).nonce);
        bytes memory signature = sign65(0xD000, end);
        identity.endSessionFor(vm.addr(0xD000), signature);
        vm.snapshotGasLastCall("Identity", "endSessionFor");
        bindDevice(identity, OWNER, 0xD003);
        vm.prank(vm.addr(OWNER));
        identity.revoke(vm.addr(0xD003));
        vm.snapshotGasLastCall("Identity", "revoke");
    }

    function test_gas_bindInUsedPlace() public {
        for (uint256 i; i < 256; ++i) {
            bindDevice(identity, OWNER, 0xD000 + i);
        }
        vm.prank(vm.addr(OWNER));
        identity.revoke(vm.addr(0xD000 + 255));
        bindDevice(identity, OWNER, 0xE000);
        uint256 gas = vm.snapshotGasLastCall("Identity", "bind in the last of 256 places");
        assertLt(gas, 2_000_000, "a reused place fits a block many times");
    }

    function test_gas_revokeAll() public {
        for (uint256 i; i < 256; ++i) {
            bindDevice(identity, OWNER, 0xD000 + i);
        }
        vm.prank(vm.addr(OWNER));
        identity.revokeAll();
        uint256 gas = vm.snapshotGasLastCall("Identity", "revokeAll of 256");
        assertLt(gas, 3_000_000, "revokeAll of MAX_DEVICES fits one transaction");
    }

    function batch(uint64 round) private view returns (IParticipation.SignedAttestation[] memory entries) {
        entries = new IParticipation.SignedAttestation[](64);
        for (uint256 i; i < 64; ++i) {
            bytes32 root = keccak256(abi.encode(ROOT, i, round));
            bytes32 rollouts = keccak256(abi.encode(ROLLOUTS, i, round));
            entries[i] = signedAttestation(address(participation), 0xD000 + i, round, root, rollouts);
        }
    }
}
