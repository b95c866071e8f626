// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {IOwnership} from "../../src/IOwnership.sol";
import {IPayments} from "../../src/IPayments.sol";
import {ITrainingRecord} from "../../src/ITrainingRecord.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {T} from "../T.sol";
import {Trees} from "../disputes/Trees.sol";
import {PlainToken} from "./Tokens.sol";

interface Cheats {
    function deal(address who, uint256 amount) external;
    function prank(address sender) external;
    function expectRevert() external;
}

/// @notice The contracts of paid training on the real Disputes, and what people do with them. What a worker claims are three roots that nobody
/// computed: whether they are right is the game's matter; here a claim stands when nobody doubts it, and is lost by silence.
abstract contract Market is T {
    Cheats internal constant cheats = Cheats(address(vm));

    uint32 internal constant WINDOW = 1 hours;
    address internal constant COIN = address(0);
    uint256 internal constant TOTAL = 1_000_000;
    uint32 internal constant STEPS = 3;

    address internal constant ASKER = address(0xA5CE4);
    address internal constant WORKER = address(0x304CE4);
    address internal constant OTHER = address(0x07E4);
    address internal constant DOUBTER = address(0xD0B7E4);

    IDisputes internal disputes;
    IPayments internal payments;
    IOwnership internal ownership;
    IJobs internal jobs;
    ICrowdfund internal crowdfund;
    ITrainingRecord internal training;
    PlainToken internal token;

    function deployMarket() internal {
        vm.warp(1_800_000_000);
        address judge = vm.deployCode("Judge.sol:Judge");
        disputes = IDisputes(
            vm.deployCode(
                "Disputes.sol:Disputes", abi.encode(judge, WINDOW, uint32(2 hours), uint32(10 minutes), 1e12)
            )
        );
        payments = IPayments(vm.deployCode("Payments.sol:Payments"));
        ownership = IOwnership(vm.deployCode("Ownership.sol:Ownership", abi.encode(payments)));
        jobs = IJobs(vm.deployCode("Jobs.sol:Jobs", abi.encode(payments, disputes, ownership)));
        crowdfund = ICrowdfund(vm.deployCode("Crowdfund.sol:Crowdfund", abi.encode(jobs)));
        training = ITrainingRecord(vm.deployCode("TrainingRecord.sol:TrainingRecord", abi.encode(disputes)));
        token = new PlainToken();
        fund(ASKER);
        fund(WORKER);
        fund(OTHER);
        fund(DOUBTER);
    }

    /// @dev Coin and tokens, and leave for every contract to take the latter.
    function fund(address who) internal {
        cheats.deal(who, 1000 ether);
        token.mint(who, 1000 ether);
        approveAll(who, address(token));
    }

    function approveAll(address who, address which) internal {
        address[4] memory spenders =
            [address(payments), address(jobs), address(crowdfund), address(ownership)];
        for (uint256 i; i < 4; ++i) {
            cheats.prank(who);
            PlainToken(which).approve(spenders[i], type(uint256).max);
        }
    }

    // ------------------------------------------------------------ what is trained

    function termsOf(uint256 seed) internal pure returns (IDisputes.Terms memory) {
        return IDisputes.Terms(keccak256("program"), bytes32(seed), keccak256("initial"), STEPS, 9, 2);
    }

    function hashOf(IDisputes.Terms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function rootAfter(uint256 seed, uint256 step) internal pure returns (bytes32) {
        return keccak256(abi.encode("root", seed, step));
    }

    function leaves(uint256 seed) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](STEPS);
        for (uint256 i; i < STEPS; ++i) {
            hashes[i] = Merkle.leaf(rootAfter(seed, i));
        }
    }

    function proofOf(uint256 seed, uint256 step) internal pure returns (bytes32[] memory) {
        return Trees.proof(leaves(seed), step);
    }

    // ------------------------------------------------------------ what people do

    /// @dev A claim on Disputes with the roots of `seed` under the terms of `seed`.
    function claimWork(address who, uint256 seed) internal returns (uint256) {
        return claimRoot(who, seed, Trees.root(leaves(seed)));
    }

    function claimRoot(address who, uint256 seed, bytes32 root) internal returns (uint256) {
        IDisputes.Terms memory terms = termsOf(seed);
        uint256 bond = disputes.claimBond(terms);
        cheats.prank(who);
        return disputes.claim{value: bond}(terms, root);
    }

    /// @dev The claimant stays silent against a challenger.
    function beat(uint256 claim, uint256 seed) internal {
        IDisputes.Terms memory terms = termsOf(seed);
        uint256 bond = disputes.challengeBond(terms);
        cheats.prank(DOUBTER);
        uint256 game = disputes.challenge{value: bond}(claim, terms);
        vm.warp(block.timestamp + 5 hours);
        disputes.timeout(game);
    }

    function passWindow() internal {
        vm.warp(block.timestamp + WINDOW + 1);
    }

    function orderOf(uint256 seed, address which) internal pure returns (IJobs.Order memory) {
        return IJobs.Order({
            terms: hashOf(termsOf(seed)),
            about: keccak256("about"),
            token: which,
            price: 10 ether,
            bond: 1 ether,
            claimSeconds: 1 days,
            workSeconds: 2 hours,
            workerShares: 300_000
        });
    }

    function value(address which, uint256 amount) internal pure returns (uint256) {
        return which == COIN ? amount : 0;
    }

    function post(uint256 seed, address which) internal returns (uint256) {
        IJobs.Order memory order = orderOf(seed, which);
        cheats.prank(ASKER);
        return jobs.post{value: value(which, order.price)}(order);
    }

    function take(address who, uint256 job) internal {
        IJobs.Job memory j = jobs.jobOf(job);
        cheats.prank(who);
        jobs.claim{value: value(j.token, j.bond)}(job);
    }

    function deliver(address who, uint256 job, uint256 seed) internal returns (uint256 claim) {
        claim = claimWork(who, seed);
        deliverClaim(who, job, seed, claim);
    }

    function deliverClaim(address who, uint256 job, uint256 seed, uint256 claim) internal {
        bytes32[] memory proof = proofOf(seed, STEPS - 1);
        cheats.prank(who);
        jobs.deliver(job, claim, termsOf(seed), rootAfter(seed, STEPS - 1), proof);
    }

    function held(uint256 job) internal view returns (uint256) {
        return payments.escrowOf(jobs.jobOf(job).escrow).held;
    }

    function isState(uint256 job, IJobs.State state, string memory what) internal view {
        eq(uint256(jobs.jobOf(job).state), uint256(state), what);
    }
}
